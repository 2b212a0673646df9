"""Data pipelines of panoptic training, ours and mmdet's, as a worker of a data loader runs them: in one thread.

Each run reads the same files and draws the same flip, scale and crop on both sides. Ours is whole: it pads, and makes
the targets of a task. mmdet's leaves the padding of image and masks to the model.
"""

import atexit
import copy
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType
from typing import Any

import cv2
import mmseg.datasets.transforms  # noqa: F401 : registers its transforms, also where another scope is the default
import numpy as np
import torch
from mmdet.registry import TRANSFORMS as MMDET_TRANSFORMS
from mmengine.registry import DefaultScope, init_default_scope

from benchmarking.case import Case
from benchmarking.drawn import Annotation, draw_annotation
from benchmarking.mask2former import R50
from benchmarking.mask2former import load_config as load_mask2former_config
from benchmarking.our_model import load_config, metainfo
from benchmarking.scene_files import write_scene
from mmoneformer.registry import TRANSFORMS
from mmoneformer.tasks import TASKS

Sample = dict[str, Any]
Run = Callable[[], list[Sample]]


def ours(case: Case) -> Run:
    """The training pipeline of our config."""
    init_default_scope('mmoneformer')
    transforms = [TRANSFORMS.build(step) for step in load_config(case).train_pipeline]
    classes = metainfo(case)
    annotation = _annotation(case)
    segments = [dict(id=index, label=label, iscrowd=0) for index, label in enumerate(annotation.labels, start=1)]
    sample = dict(
        img_id=0,
        segments=segments,
        classes=classes['classes'],
        thing_ids=classes['thing_ids'],
        tasks=tuple(TASKS),
    )
    return _runs(case, transforms, sample, annotation)


def mmdet(case: Case) -> Run:
    """The training pipeline of mmdet's Mask2Former."""
    _stand_in_for_panopticapi()
    with DefaultScope.overwrite_default_scope('mmdet'):
        transforms = [MMDET_TRANSFORMS.build(step) for step in _mmdet_steps(case)]
    annotation, things = _annotation(case), metainfo(case)['thing_ids']
    infos, instances = [], []
    for index, label in enumerate(annotation.labels, start=1):
        infos.append(dict(id=index, category=label, is_thing=label in things))
        if label in things:
            x, y, width, height = cv2.boundingRect((annotation.id_map == index).astype(np.uint8))
            instances.append(dict(bbox=[x, y, x + width, y + height], bbox_label=label, ignore_flag=0))
    height, width = case.size
    sample = dict(img_id=0, height=height, width=width, instances=instances, segments_info=infos)
    return _runs(case, transforms, sample, annotation)


def _mmdet_steps(case: Case) -> list[dict[str, Any]]:
    """Their config for COCO; it has none for other data sets: our transforms, between what they load and pack."""
    steps = load_mask2former_config(R50).train_pipeline
    if load_config(case).metainfo == 'coco':
        return steps
    image, annotation, *_, pack = steps
    own = ('LoadImageFromFile', 'LoadPanopticMap', 'mmdet.Pad', 'SampleTask', 'PackOneFormerInputs')
    between = [step for step in load_config(case).train_pipeline if step.type not in own]
    return [image | dict(to_float32=False), annotation, *between, pack]  # mmseg's distortion of colors takes bytes


def _annotation(case: Case) -> Annotation:
    return draw_annotation(case.size, case.masks, num_classes=len(metainfo(case)['classes']), seed=0)


def _runs(case: Case, transforms: list[Callable[[Sample], Sample]], sample: Sample, annotation: Annotation) -> Run:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    folder = mkdtemp()
    atexit.register(shutil.rmtree, folder)
    sample['img_path'], sample['seg_map_path'] = write_scene(Path(folder), annotation)

    def run() -> list[Sample]:
        return [_transformed(sample, transforms, seed) for seed in range(case.samples)]

    return run


def _transformed(sample: Sample, transforms: list[Callable[[Sample], Sample]], seed: int) -> Sample:
    np.random.seed(seed)
    random.seed(seed)
    results = copy.deepcopy(sample)
    for transform in transforms:
        results = transform(results)
    return results


def _stand_in_for_panopticapi() -> None:
    """mmdet takes one function of panopticapi, which no package index has: this one does the same."""
    try:
        import panopticapi.utils  # noqa: F401
    except ImportError:
        package, utils = ModuleType('panopticapi'), ModuleType('panopticapi.utils')
        vars(utils)['rgb2id'], vars(package)['utils'] = rgb2id, utils
        sys.modules |= {'panopticapi': package, 'panopticapi.utils': utils}


def rgb2id(colors: np.ndarray) -> np.ndarray:
    """Ids of the colors R + 256 G + 65536 B, [H, W, 3] to [H, W]."""
    wide = colors.astype(np.int32)
    return wide[..., 0] + 256 * wide[..., 1] + 65536 * wide[..., 2]
