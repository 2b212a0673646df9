"""Our side: OneFormer of mmoneformer."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope

from benchmarking.case import Case
from benchmarking.drawn import draw_annotation, normalized_images
from benchmarking.precision import inference, precise
from benchmarking.training import kept_memory, optimizer_step
from mmoneformer.metainfo import Metainfo, resolve_metainfo
from mmoneformer.models import OneFormer
from mmoneformer.registry import MODELS
from mmoneformer.structures import TargetMasks, Targets
from mmoneformer.tasks import target_text

CONFIGS = Path(__file__).parents[2] / 'configs'
Logits = dict[str, tuple[torch.Tensor, torch.Tensor]]


def load_config(case: Case) -> Config:
    """The case's config, without weights to fetch."""
    cfg = Config.fromfile(CONFIGS / f'{case.config}.py')
    cfg.merge_from_dict({'model.backbone.init_cfg': None} | dict(case.options))
    return cfg


def metainfo(case: Case) -> Metainfo:
    """The classes of the case's data set."""
    return resolve_metainfo(load_config(case).model.metainfo)


def build(case: Case) -> OneFormer:
    """The case's model, with random weights that are the same each time."""
    init_default_scope('mmoneformer')
    torch.manual_seed(0)
    return MODELS.build(load_config(case).model).to(case.device)


def forward(case: Case) -> Callable[[], Logits]:
    """One pass of a batch: logits of all tasks."""
    return forward_of(build(case), case)


def forward_of(model: OneFormer, case: Case) -> Callable[[], Logits]:
    """The same, of a model that is there."""
    model.eval().requires_grad_(False)
    model.test_cfg = replace(model.test_cfg, compile=case.compiled, cuda_graphs=case.cuda_graphs)
    images = normalized_images(case.batch, case.size, device=case.device)

    def run() -> Logits:
        with inference(case):
            return model(images, mode='tensor', tasks=case.tasks)

    return run


def training_step(case: Case) -> Callable[[], float]:
    """One step: losses, gradients, update."""
    return training_step_of(build(case), case)


def training_step_of(model: OneFormer, case: Case) -> Callable[[], float]:
    """The same, of a model that is there."""
    return optimizer_step(model, _losses(model, case))


def kept_in_training(case: Case) -> Callable[[], int]:
    """Bytes that a training step keeps."""
    model = build(case)
    return partial(kept_memory, model, _losses(model, case))


def _losses(model: OneFormer, case: Case) -> Callable[[], torch.Tensor]:
    model.train()
    images = normalized_images(case.batch, case.size, device=case.device)
    samples = [_target(case, index, model).to(case.device) for index in range(case.batch)]

    def losses() -> torch.Tensor:
        with precise(case):
            return model.parse_losses(model(images, samples, mode='loss'))[0]

    return losses


def _target(case: Case, index: int, model: Any) -> DetDataSample:
    classes = model.dataset_meta['classes']
    annotation = draw_annotation(case.size, case.masks, num_classes=len(classes), seed=index)
    sample = DetDataSample()
    sample.targets = Targets(
        task=case.tasks[index % len(case.tasks)],
        texts=[target_text(classes[label]) for label in annotation.labels],
        labels=torch.tensor(annotation.labels),
        masks=TargetMasks(torch.from_numpy(annotation.id_map), case.masks),
    )
    return sample
