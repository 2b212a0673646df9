"""Makes the config of converted weights, with which the checkpoint can be loaded alone."""

import difflib
import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from torch import Tensor

from mmoneformer.checkpoints.architecture import count_classes, find_backbone, read_architecture
from mmoneformer.checkpoints.backbones import ConvertibleBackbone
from mmoneformer.config_files import ReleasedConfigs, apply_options, find_released_configs
from mmoneformer.errors import first_few
from mmoneformer.metainfo import KNOWN_DATASETS, Metainfo, resolve_metainfo

BACKBONE = 'model.backbone.'
Names = str | os.PathLike[str] | Sequence[str | int]  # a file, or the names

logger = logging.getLogger(__name__)


class SourceInfo(NamedTuple):
    """What a source contains besides the weights.

    Attributes:
        metainfo: Classes, and thing ids if the source has them.
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
    apply_options(cfg, cfg_options)
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
        metainfo = resolve_metainfo(_with_things(info))
    else:
        dataset = dataset or known.get(count)
        if dataset is None:
            raise ValueError(
                f'the weights have {count} classes, which is not the number of a known data set ({known}): '
                'name the data set with --dataset, or the classes with --classes and --things'
            )
        metainfo = resolve_metainfo(dataset)
    if len(metainfo['classes']) != count:
        raise ValueError(
            f'the weights have {count} classes, {dataset or "their metadata"} has {len(metainfo["classes"])}: '
            'name the classes with --classes and --things'
        )
    name = dataset or next((name for name in known.values() if _same_classes(name, metainfo)), None)
    logger.info('%d classes: %s', count, name or 'those of the metadata')
    return name, metainfo


def _same_classes(name: str, metainfo: Metainfo) -> bool:
    known = resolve_metainfo(name)
    return same_names(known['classes'], metainfo['classes']) and set(known['thing_ids']) == set(metainfo['thing_ids'])


def same_names(first: Iterable[str], second: Iterable[str]) -> bool:
    """Whether names are the same in the same order; case and spaces around them do not count."""
    plain, other = ([' '.join(name.lower().split()) for name in names] for names in (first, second))
    return plain == other


def _with_things(info: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the thing ids of a known data set with the same names, if there are none."""
    if 'thing_ids' in info:
        return info
    for name in KNOWN_DATASETS:
        known = resolve_metainfo(name)
        if same_names(info['classes'], known['classes']):
            return known
    raise ValueError(
        f'which of the {len(info["classes"])} classes ({first_few(info["classes"])}) are things is not stored with '
        'the weights: name them with --things FILE, a name per line; an empty file if all are stuff'
    )


def given_classes(
    info: Mapping[str, Any] | None, classes: Names | None, things: Names | None
) -> dict[str, Any] | None:
    """Replace classes or thing ids by given ones.

    Args:
        info: Those of the source, if it has any.
        classes: Class names, or a file: a name per line, or JSON: names, or objects with ``name`` and ``isthing``, in
            a list or under their indices.
        things: Names or indices of the classes that are things, or such a file.

    Raises:
        ValueError: If a thing is none of the classes, or there are things and no classes.
    """
    if classes is None and things is None:
        return None if info is None else dict(info)
    rows = None if classes is None else _rows(classes)
    metainfo: dict[str, Any] = (
        dict(info or {}) if rows is None else {'classes': tuple(str(_name(row)) for row in rows)}
    )
    if rows and all(isinstance(row, Mapping) and 'isthing' in row for row in rows):
        metainfo['thing_ids'] = tuple(index for index, row in enumerate(rows) if row['isthing'])
    if things is not None:
        if 'classes' not in metainfo:
            raise ValueError(f'things {things} need the names of the classes: name them with --classes, too')
        metainfo['thing_ids'] = tuple(_index(_name(row), metainfo['classes'], things) for row in _rows(things))
    return metainfo


def _rows(names: Names) -> list[Any]:
    """Names, indices or objects of a list or file, in order."""
    if not isinstance(names, str | os.PathLike):
        return list(names)
    text = Path(names).read_text(encoding='utf-8-sig')
    if Path(names).suffix != '.json':
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        content = json.loads(text)
        content = content.get('categories', content) if isinstance(content, dict) else content
        return list(content) if isinstance(content, list) else [content[str(index)] for index in range(len(content))]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'{names} is not a JSON list of names, nor an object with the keys 0, 1, ...: {error}'
        ) from error


def _name(row: Any) -> Any:
    return row['name'] if isinstance(row, Mapping) else row


def _index(thing: Any, classes: Sequence[str], source: Names) -> int:
    if thing in classes:
        return classes.index(thing)
    if str(thing).isdecimal() and int(thing) < len(classes):
        return int(thing)
    near = difflib.get_close_matches(str(thing), classes, n=1)
    meant = f'did you mean {near[0]!r}?' if near else f'these are {first_few(classes)}'
    raise ValueError(f'the thing {thing!r} (of {source}) is none of the classes: {meant}')


def _pipeline(scale: tuple[int, int]) -> list[dict[str, Any]]:
    return [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=scale, keep_ratio=True),
        dict(type='LoadPanopticMap'),
        dict(type='PackOneFormerInputs'),
    ]
