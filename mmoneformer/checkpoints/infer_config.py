"""Makes the config of converted weights, with which the checkpoint can be loaded alone."""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from mmengine.config import Config
from torch import Tensor

from mmoneformer.checkpoints.architecture import count_classes, find_backbone, read_architecture
from mmoneformer.checkpoints.backbones import ConvertibleBackbone
from mmoneformer.checkpoints.released_configs import ReleasedConfigs, find_released_configs
from mmoneformer.metainfo import KNOWN_DATASETS, Metainfo, resolve_metainfo

BACKBONE = 'model.backbone.'

logger = logging.getLogger(__name__)


class SourceInfo(NamedTuple):
    """What a source contains besides the weights.

    Attributes:
        metainfo: Classes and thing ids.
        scale: Longer and shorter side of test images in pixels, at most.
        backbone: Arguments of the backbone that shapes do not define.
        released_name: Name of the released config that the weights belong to.
    """

    metainfo: Mapping[str, Any] | None = None
    scale: tuple[int, int] | None = None
    backbone: Mapping[str, Any] = {}
    released_name: str | None = None


def infer_config(
    state_dict: Mapping[str, Tensor], info: SourceInfo, *, dataset: str | None = None, cfg_options: Mapping[str, Any]
) -> Config:
    """Make the config of weights; values that neither they nor ``info`` define are those of the released config.

    What was taken from the released config is logged.

    Args:
        state_dict: Weights under our keys.
        info: What the source contains besides them.
        dataset: Name of the data set; None to take it from ``info`` or to infer it from the number of classes.
        cfg_options: Values that replace those of the config, keys as in ``model.test_cfg.overlap_thr``.

    Raises:
        ValueError: If the classes are unknown or differ in number from those of the weights, or if the dilations of a
            DiNAT are unknown.
    """
    backbone = find_backbone(state_dict)
    model = read_architecture(state_dict, check_backbone=f'{BACKBONE}type' not in cfg_options)
    name, metainfo = _classes(count_classes(state_dict), dataset, info.metainfo)
    released = find_released_configs(backbone.released_name(model['backbone']), name, info.released_name)
    given = dict(info.backbone) | {
        key.removeprefix(BACKBONE): value for key, value in cfg_options.items() if key.startswith(BACKBONE)
    }
    test_cfg = released.data.model.test_cfg
    model |= dict(
        backbone=_complete_backbone(backbone, model['backbone'], given, released),
        metainfo=name or dict(metainfo),
        data_preprocessor=released.data.model.data_preprocessor.to_dict(),
        test_cfg=dict(object_mask_thr=test_cfg.object_mask_thr, overlap_thr=test_cfg.overlap_thr),
    )
    scale = info.scale or image_scale(released.data)
    cfg = Config(dict(default_scope='mmoneformer', model=model, test_pipeline=_pipeline(scale)))
    cfg.merge_from_dict(dict(cfg_options))
    _log_assumptions(cfg, info, backbone)
    return cfg


def image_scale(cfg: Config) -> tuple[int, int]:
    """Longer and shorter side of test images in pixels, at most.

    Raises:
        ValueError: If ``test_pipeline`` has no step with a ``scale``.
    """
    scale = next((step['scale'] for step in cfg.get('test_pipeline', []) if 'scale' in step), None)
    if scale is None:
        raise ValueError("the config has no test_pipeline with a Resize whose 'scale' defines the size of test images")
    return max(scale), min(scale)


def _complete_backbone(
    backbone: ConvertibleBackbone, arguments: dict[str, Any], given: Mapping[str, Any], released: ReleasedConfigs
) -> dict[str, Any]:
    values = released.backbone.model.backbone.to_dict() if released.backbone else {}
    completed = backbone.complete(arguments, given, values if released.is_exact else None)
    for_training = [key for key in backbone.not_in_weights if key not in completed and key in values]
    return completed | {key: values[key] for key in for_training}


def _log_assumptions(cfg: Config, info: SourceInfo, backbone: ConvertibleBackbone) -> None:
    arguments, test_cfg = cfg.model.backbone, cfg.model.test_cfg
    assumed = dict(object_mask_thr=test_cfg.object_mask_thr, overlap_thr=test_cfg.overlap_thr)
    if info.scale is None:
        assumed['test images'] = '{} x {} at most'.format(*cfg.test_pipeline[1].scale)
    assumed |= {
        key: arguments[key] for key in backbone.not_in_weights if key in arguments and key not in info.backbone
    }
    logger.info('not in the weights, so from the released config or your options: %s', assumed)


def _classes(count: int, dataset: str | None, info: Mapping[str, Any] | None) -> tuple[str | None, Metainfo]:
    """Find the classes and, if the data set is a known one, its name."""
    known = {len(resolve_metainfo(name)['classes']): name for name in reversed(KNOWN_DATASETS)}
    if dataset is None and info is not None:
        metainfo = resolve_metainfo(info)
    else:
        dataset = dataset or known.get(count)
        if dataset is None:
            raise ValueError(
                f'the weights have {count} classes, which is not the number of a known data set ({known}): '
                'name the data set with --dataset'
            )
        metainfo = resolve_metainfo(dataset)
    if len(metainfo['classes']) != count:
        raise ValueError(
            f'the weights have {count} classes, {dataset or "their metadata"} has {len(metainfo["classes"])}'
        )
    name = dataset or next((name for name in known.values() if _same_classes(name, metainfo)), None)
    logger.info('%d classes: %s', count, name or 'those of the metadata')
    return name, metainfo


def _same_classes(name: str, metainfo: Metainfo) -> bool:
    known = resolve_metainfo(name)
    return known['classes'] == metainfo['classes'] and known['thing_ids'] == metainfo['thing_ids']


def _pipeline(scale: tuple[int, int]) -> list[dict[str, Any]]:
    return [
        dict(type='LoadImageFromFile'),
        dict(type='mmdet.Resize', scale=scale, keep_ratio=True),
        dict(type='LoadPanopticMap'),
        dict(type='PackOneFormerInputs'),
    ]
