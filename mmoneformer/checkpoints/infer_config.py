"""Makes the config of converted weights, so that the checkpoint needs nothing else at hand."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmengine.config import Config
from torch import Tensor

from mmoneformer.checkpoints.architecture import count_classes, read_architecture
from mmoneformer.checkpoints.paper_values import (
    DATASET_OF_CLASSES,
    LARGE_CROP,
    SMALL_CROP,
    dinat_dilations,
    settings_in_test,
)
from mmoneformer.metainfo import Metainfo, resolve_metainfo

DILATIONS = 'model.backbone.dilations'
SWIN_TINY_CHANNELS = 96
OVERLAP_THRESHOLD = 0.8
PREPROCESSOR = dict(
    type='mmdet.DetDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_size_divisor=32,
)

logger = logging.getLogger(__name__)


class SourceInfo(NamedTuple):
    """What came with the weights, beside them.

    Attributes:
        metainfo: Classes and thing ids.
        scale: Longer and shorter side of test images, at most.
        dilations: Of a DiNAT.
        crop: Side of the training crop in pixels.
    """

    metainfo: Mapping[str, Any] | None = None
    scale: tuple[int, int] | None = None
    dilations: Sequence[Sequence[int]] | None = None
    crop: int | None = None


def infer_config(
    state_dict: Mapping[str, Tensor], info: SourceInfo, *, dataset: str | None = None, cfg_options: Mapping[str, Any]
) -> Config:
    """Make the config; each value that neither the weights nor ``info`` tell is the paper's, and the log says so.

    Args:
        state_dict: Weights under our keys.
        info: What came with them.
        dataset: Name of the data set; None if ``info`` or the number of classes shall say it.
        cfg_options: Values that replace those of the config, keys as in ``model.test_cfg.overlap_thr``.

    Raises:
        ValueError: If the classes are unknown or of another number than the weights', or if nothing tells a DiNAT's
            dilations.
    """
    model = read_architecture(state_dict)
    name, metainfo = _classes(count_classes(state_dict), dataset, info.metainfo)
    crop = info.crop or _paper_crop(model['backbone'])
    scale, threshold = settings_in_test(name, crop)
    if model['backbone']['type'] == 'DiNAT':
        depths = model['backbone'].pop('depths')
        if DILATIONS not in cfg_options:
            model['backbone']['dilations'] = info.dilations or dinat_dilations(name, crop, depths)
    model |= dict(
        metainfo=name or dict(metainfo),
        data_preprocessor=PREPROCESSOR,
        test_cfg=dict(
            object_mask_thr=threshold,
            overlap_thr=OVERLAP_THRESHOLD,
            max_per_image=model['panoptic_head']['num_queries'],
        ),
    )
    cfg = Config(dict(default_scope='mmoneformer', model=model, test_pipeline=_pipeline(info.scale or scale)))
    cfg.merge_from_dict(dict(cfg_options))
    _log_assumptions(cfg, info)
    return cfg


def _log_assumptions(cfg: Config, info: SourceInfo) -> None:
    backbone, test_cfg = cfg.model.backbone, cfg.model.test_cfg
    assumed = dict(object_mask_thr=test_cfg.object_mask_thr, overlap_thr=test_cfg.overlap_thr)
    if info.scale is None:
        assumed['test images'] = '{} x {} at most'.format(*cfg.test_pipeline[1].scale)
    if 'dilations' in backbone and info.dilations is None:
        assumed['dilations'] = backbone.dilations
    if 'drop_path_rate' in backbone:
        assumed['drop_path_rate'] = backbone.drop_path_rate
    logger.info("the weights do not tell these, so the paper's or yours: %s", assumed)


def _classes(count: int, dataset: str | None, info: Mapping[str, Any] | None) -> tuple[str | None, Metainfo]:
    """Find the classes: as asked, as info, or by their number; with the name, if the data set is a known one."""
    if dataset is None and info is not None:
        metainfo = resolve_metainfo(info)
    else:
        dataset = dataset or DATASET_OF_CLASSES.get(count)
        if dataset is None:
            raise ValueError(
                f'the weights have {count} classes, which is no data set of the paper ({DATASET_OF_CLASSES}): '
                'give the one with --dataset'
            )
        metainfo = resolve_metainfo(dataset)
    if len(metainfo['classes']) != count:
        raise ValueError(f'the weights have {count} classes, {dataset or "their metadata"} {len(metainfo["classes"])}')
    name = dataset or next((name for name in DATASET_OF_CLASSES.values() if _same_classes(name, metainfo)), None)
    logger.info('%d classes: %s', count, name or 'as the metadata says')
    return name, metainfo


def _same_classes(name: str, metainfo: Metainfo) -> bool:
    known = resolve_metainfo(name)
    return known['classes'] == metainfo['classes'] and known['thing_ids'] == metainfo['thing_ids']


def _paper_crop(backbone: Mapping[str, Any]) -> int:
    is_small = backbone['type'] == 'mmdet.ResNet' or backbone.get('embed_dims') == SWIN_TINY_CHANNELS
    return SMALL_CROP if is_small else LARGE_CROP


def _pipeline(scale: tuple[int, int]) -> list[dict[str, Any]]:
    return [
        dict(type='LoadImageFromFile'),
        dict(type='mmdet.Resize', scale=scale, keep_ratio=True),
        dict(type='LoadPanopticMap'),
        dict(type='PackOneFormerInputs'),
    ]
