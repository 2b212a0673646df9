"""Configs of the package as the source of what weights do not define: sizes of test images, thresholds, dilations."""

import fnmatch
from typing import NamedTuple

from mmengine.config import Config

from mmoneformer.config_files import config_names, config_path

DEFAULT_DATASET = 'coco'  # models of unknown data sets are tested like those of this one


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
