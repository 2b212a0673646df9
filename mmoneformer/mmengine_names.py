"""Names by which mmengine finds our configs and the released weights, as it finds those of mmdet and mmseg.

mmengine expects ``<package>::<folder>/<config>``, and the files in ``<package>/.mim``. Our configs have no folder, and
a clone has no ``.mim``, so the two functions that look names up are wrapped.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from mmengine import hub
from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.runner import CheckpointLoader

from mmoneformer.checkpoints.model_zoo import BASE_URL, fetch, released_urls
from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.config_files import config_path

SCOPE = 'mmoneformer'
PREFIX = f'{SCOPE}::'


def register_names() -> None:
    """Make mmengine find what belongs to this package.

    - ``_base_ = 'mmoneformer::oneformer_swin-l_ade20k.py'`` in a config, and in ``mmengine.hub.get_config``
    - ``DetInferencer('oneformer_swin-l_ade20k', scope='mmoneformer')``, from the metafile
    - the addresses of the released weights, in ``load_from`` and wherever mmengine loads a checkpoint: they are
      downloaded once, and converted
    """
    MODULE2PACKAGE[SCOPE] = SCOPE
    Config._get_cfg_path = staticmethod(_find_base(Config._get_cfg_path))
    hub.get_config = hub.hub.get_config = _find_config(hub.get_config)
    CheckpointLoader.register_scheme(BASE_URL, load_released, force=True)


def load_released(url: str, map_location: str | torch.device | None = None) -> dict[str, Any]:
    """Load released weights, converted.

    Args:
        url: Address of one of the authors' files.
        map_location: Where the tensors go; by default the CPU.

    Raises:
        ConnectionError: If the file is not in the cache and cannot be downloaded.
        ValueError: If none of the released models has this address.
    """
    from mmoneformer.checkpoints.conversion import convert  # it imports mmdet's models

    names = [name for name, address in released_urls().items() if address == url]
    if not names:
        raise ValueError(f'{url} is not a released model: docs/model_zoo.md lists them')
    return read_checkpoint(fetch(names[0], convert), map_location or 'cpu')


def _find_base(find: Callable[[str, str], tuple[str, str | None]]) -> Callable[[str, str], tuple[str, str | None]]:
    @wraps(find)
    def find_ours_too(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if cfg_path.startswith(PREFIX):
            return str(config_path(_name(cfg_path))), SCOPE
        return find(cfg_path, filename)

    return find_ours_too


def _find_config(get_config: Callable[[str, bool], Config]) -> Callable[[str, bool], Config]:
    @wraps(get_config)
    def get_ours_too(cfg_path: str, pretrained: bool = False) -> Config:
        if not cfg_path.startswith(PREFIX):
            return get_config(cfg_path, pretrained)
        cfg = Config.fromfile(config_path(_name(cfg_path)))
        if pretrained:
            if _name(cfg_path) not in released_urls():
                raise ValueError(f'{cfg_path} has no released weights: docs/model_zoo.md lists those that have')
            cfg.model_path = released_urls()[_name(cfg_path)]
        return cfg

    return get_ours_too


def _name(cfg_path: str) -> str:
    return cfg_path.removeprefix(PREFIX).removesuffix('.py')
