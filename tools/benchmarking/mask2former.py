"""A peer: mmdet's Mask2Former with a ResNet-50 or a Swin-L."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mmdet
import numpy as np
import torch
from mmcv.ops import multi_scale_deform_attn
from mmdet.models import Mask2Former
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData

from benchmarking.case import Case
from benchmarking.drawn import draw_annotation, normalized_images
from benchmarking.precision import inference, precise
from benchmarking.training import optimizer_step
from mmoneformer.mmcv_ops import are_compiled

CONFIGS = Path(mmdet.__file__).parent / '.mim' / 'configs' / 'mask2former'
R50 = 'mask2former_r50_8xb2-lsj-50e_coco-panoptic'
NUM_THINGS, NUM_CLASSES = 80, 133  # of COCO; things come first
NO_CLASS = 255


def training_step(case: Case) -> Callable[[], float]:
    """One step of their config as it is: losses, gradients, update."""
    return training_step_of(build(case), case)


def load_config(name: str) -> Config:
    """One of their configs for COCO-panoptic, by its name without suffix."""
    return Config.fromfile(CONFIGS / f'{name}.py')


def build(case: Case, *, config: str = R50, options: Mapping[str, Any] | None = None) -> Mask2Former:
    """Their model with random weights.

    Args:
        case: Names the device.
        config: Name of their config, without suffix.
        options: Settings of the config to change.
    """
    choose_attention()
    cfg = load_config(config)
    cfg.merge_from_dict({'model.backbone.init_cfg': None} | dict(options or {}))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(cfg.model).to(case.device)


def choose_attention() -> None:
    """Let their attention take its plain form on every device where mmcv has no compiled operators."""
    if not are_compiled():
        multi_scale_deform_attn.IS_CUDA_AVAILABLE = False


def forward_of(model: Mask2Former, case: Case) -> Callable[[], tuple[list[torch.Tensor], ...]]:
    """One pass of a batch, which serves every task: logits of all layers."""
    model.eval().requires_grad_(False)
    images = normalized_images(case.batch, case.size, device=case.device)
    samples = [_sample(case) for _ in range(case.batch)]

    def run() -> tuple[list[torch.Tensor], ...]:
        with inference(case):
            return model(images, samples, mode='tensor')

    return run


def training_step_of(model: Mask2Former, case: Case) -> Callable[[], float]:
    """One step of a model that is there."""
    model.train()
    images = normalized_images(case.batch, case.size, device=case.device)
    samples = [_target(case, index).to(case.device) for index in range(case.batch)]

    def losses() -> torch.Tensor:
        with precise(case):
            return model.parse_losses(model(images, samples, mode='loss'))[0]

    return optimizer_step(model, losses)


def _target(case: Case, index: int) -> DetDataSample:
    annotation = draw_annotation(case.size, case.masks, num_classes=NUM_CLASSES, seed=index)
    labels = np.array(annotation.labels)
    things = np.flatnonzero(labels < NUM_THINGS)
    masks = np.stack([annotation.id_map == thing + 1 for thing in things]).astype(np.uint8)
    sample = _sample(case)
    sample.gt_instances = InstanceData(labels=torch.from_numpy(labels[things]), masks=BitmapMasks(masks, *case.size))
    semantic = np.append(NO_CLASS, labels)[annotation.id_map]
    sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(semantic)[None])
    return sample


def _sample(case: Case) -> DetDataSample:
    return DetDataSample(metainfo=dict(img_shape=case.size, ori_shape=case.size, batch_input_shape=case.size))
