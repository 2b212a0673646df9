"""The config files that come with the package, and the options that override settings of a config.

A clone has the files in ``configs/``; an installed wheel in ``mmoneformer/.mim/configs/``, where OpenMMLab's tools
look for those of a package.
"""

import difflib
import fnmatch
import inspect
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import mmengine.config.config as config_module
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import FlexibleRunner, Runner

PACKAGE = Path(__file__).parent
IN_WHEEL, IN_CLONE = PACKAGE / '.mim' / 'configs', PACKAGE.parent / 'configs'
DEFAULT_DATASET = 'coco'  # models of unknown data sets are tested like those of this one
READ = {  # the settings of a config that are read after the file itself; all others are variables of the file
    *inspect.signature(Runner).parameters,
    *inspect.signature(FlexibleRunner).parameters,
    *('runner_type', 'sync_bn', 'model_wrapper_cfg', 'find_unused_parameters'),
    *('detect_anomalous_params', 'activation_checkpointing', 'efficient_conv_bn_eval'),
    *('test_pipeline', 'tta_model', 'tta_pipeline'),
}
OF_A_SOURCE = {
    'ann_file',
    'data_root',
    'data_prefix',
    'filter_cfg',
}  # without effect beside the ``sources`` of a data set


def config_folder() -> Path:
    """Return the folder of the config files."""
    return IN_WHEEL if IN_WHEEL.is_dir() else IN_CLONE


def config_names() -> list[str]:
    """Return the names of all configs, sorted: file names without ``.py``, such as 'oneformer_swin-l_ade20k'."""
    return sorted(path.stem for path in config_folder().glob('*.py'))


def config_path(name: str) -> Path:
    """Return the file of a config.

    Args:
        name: One of ``config_names()``, or a base config such as '_base_/models/oneformer_swin-l'.

    Raises:
        ValueError: If there is no config of that name; the message lists similar names.
    """
    path = config_folder() / f'{name}.py'
    if not path.is_file():
        raise ValueError(f'unknown config {name!r}: {_suggestion(name, config_names())}')
    return path


def find_config(name_or_file: str | os.PathLike[str]) -> Path:
    """Return the file of a config given by name or by path; a file of that path comes first.

    Raises:
        FileNotFoundError: If it is neither a file nor a name; the message lists similar names.
    """
    path = Path(name_or_file)
    if path.is_file():
        return path
    if str(name_or_file) in config_names():
        return config_path(str(name_or_file))
    if path.stem in config_names():
        raise FileNotFoundError(
            f'no config file {str(name_or_file)!r} in {Path.cwd()}: the configs of a clone are found there '
            f'by their path, and anywhere by their name, {path.stem}'
        )
    raise FileNotFoundError(
        f'no config file {str(name_or_file)!r}, and no config of that name: {_suggestion(path.stem, config_names())}'
    )


def apply_options(cfg: Config, options: Mapping[str, Any] | None, *, strict: bool = True) -> None:
    """Override settings of a config.

    Args:
        cfg: The config; it is modified.
        options: Values by names such as ``model.test_cfg.overlap_thr``.
        strict: Whether a value without effect, as nothing reads its name, is an error and not a warning; the message
            has the names that might be meant.

    Raises:
        ValueError: If a value would have no effect, and ``strict`` is set.
    """
    faults = [_without_effect(cfg, name) for name in options or () if not _is_read(cfg, name)]
    if faults and strict:
        raise ValueError(f'options that have no effect: {"; ".join(faults)}')
    if faults:
        print_log(f'options that have no effect: {"; ".join(faults)}', logger='current', level=logging.WARNING)
    cfg.merge_from_dict(dict(options or {}))


def _is_read(cfg: Config, name: str) -> bool:
    first, *rest = name.split('.')
    part = cfg.get(first)
    for key in rest[:-1]:
        part = part.get(key) if isinstance(part, Mapping) else None
    is_of_a_source = isinstance(part, Mapping) and 'sources' in part and not OF_A_SOURCE.isdisjoint(rest[-1:])
    return first in READ and not is_of_a_source


def _without_effect(cfg: Config, name: str) -> str:
    """Say why an option has no effect, and what may be meant."""
    first, *rest = parts = name.split('.')
    paths = [path for key in sorted(READ & cfg.keys()) for path in _paths(cfg[key], key)]
    meant: list[str] = []
    while parts and not meant and parts[-1] != 'type':  # which every part has
        end = '.'.join(['', *parts])
        meant = sorted((path for path in paths if path.endswith(end)), key=lambda path: not path.startswith('train'))
        parts = parts[1:]
    meant = meant or ['.'.join([key, *rest]) for key in difflib.get_close_matches(first, READ, n=1)]
    remedies = [f'set {" or ".join(meant[:2])}'] if meant else []
    if first in cfg and first not in READ:
        remedies = ['it is a variable of the file: change it there', *remedies]
    return f'{name} ({", or ".join(remedies) or "nothing reads it"})'


def _paths(value: Any, name: str) -> Iterator[str]:
    """Names of all settings below one, itself included."""
    yield name
    entries = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from _paths(entry, f'{name}.{key}')


def _suggestion(name: str, names: list[str]) -> str:
    similar = difflib.get_close_matches(name, names)
    return f'did you mean {" or ".join(similar)}?' if similar else "'mmoneformer config' lists all names"


class ReleasedConfigs(NamedTuple):
    """The configs that are closest to a model.

    Attributes:
        data: Config for its data set, with the same backbone if there is one; for COCO if its data set is unknown.
        backbone: Config with its backbone, for the same data set if there is one; None if no config has it.
        is_exact: Whether both are one config, with its backbone and for its data set.
    """

    data: Config
    backbone: Config | None
    is_exact: bool


def find_released_configs(backbone: str, dataset: str | None, released_name: str | None = None) -> ReleasedConfigs:
    """Find the configs of a model.

    Args:
        backbone: The backbone's part of the names of configs, such as 'swin-l'.
        dataset: Name of a data set of ``mmoneformer.metainfo``; None if the model has other classes.
        released_name: Name of the model's config if it is a released one; it is used if it is for this backbone and
            data set.
    """
    names = config_names()
    exact = f'oneformer_{backbone}_{dataset or DEFAULT_DATASET}'
    if released_name and released_name.startswith(exact):  # a variant, for example of another crop
        exact = released_name
    if exact in names:
        cfg = Config.fromfile(config_path(exact))
        return ReleasedConfigs(cfg, cfg, is_exact=dataset is not None)
    of_backbone = fnmatch.filter(names, f'oneformer_{backbone}_*')
    of_dataset = fnmatch.filter(names, f'oneformer_*_{dataset}') or fnmatch.filter(
        names, f'oneformer_*_{DEFAULT_DATASET}'
    )
    return ReleasedConfigs(
        data=Config.fromfile(config_path(of_dataset[0])),
        backbone=Config.fromfile(config_path(of_backbone[0])) if of_backbone else None,
        is_exact=False,
    )


@contextmanager
def formatted_once() -> Iterator[None]:
    """Format each config once: mmengine does it four times when a run starts, and for each checkpoint; it is slow."""
    format_code = config_module.FormatCode
    config_module.FormatCode = _remember(format_code)
    try:
        yield
    finally:
        config_module.FormatCode = format_code


def _remember(format_code: Callable[..., Any]) -> Callable[..., Any]:
    formatted: dict[str, Any] = {}

    @wraps(format_code)
    def format_or_remember(text: str, **style: Any) -> Any:
        if text not in formatted:
            formatted[text] = format_code(text, **style)
        return formatted[text]

    return format_or_remember
