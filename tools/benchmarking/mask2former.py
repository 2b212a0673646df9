"""A peer: mmdet's Mask2Former with a ResNet-50."""

from collections.abc import Callable

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData

from benchmarking.case import Case
from benchmarking.drawn import draw_annotation, normalized_images
from benchmarking.precision import precise
from benchmarking.training import optimizer_step

CONFIG = 'mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco-panoptic.py'
NUM_THINGS, NUM_CLASSES = 80, 133  # of COCO; things come first
NO_CLASS = 255


def training_step(case: Case) -> Callable[[], float]:
    """One step of their config as it is: losses, gradients, update."""
    cfg = get_config(CONFIG).model
    cfg.backbone.init_cfg = None
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg).to(case.device).train()
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
    sample = DetDataSample(metainfo=dict(img_shape=case.size, batch_input_shape=case.size))
    sample.gt_instances = InstanceData(labels=torch.from_numpy(labels[things]), masks=BitmapMasks(masks, *case.size))
    semantic = np.append(NO_CLASS, labels)[annotation.id_map]
    sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(semantic)[None])
    return sample
