"""Models of timm (pytorch-image-models): found and built by their names."""

import difflib
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from torch import nn

from mmoneformer.errors import first_few
from mmoneformer.models.backbones.torchvision_stand_in import torchvision_or_stand_in

UNKNOWN_ARGUMENT = re.compile(r"unexpected keyword argument '(\w+)'")  # in messages of Python


def import_timm() -> Any:
    """Import timm, without torchvision where there is none.

    Raises:
        ImportError: If timm is not installed.
    """
    if 'timm' in sys.modules:
        return sys.modules['timm']
    try:
        with torchvision_or_stand_in():
            return import_module('timm')
    except ModuleNotFoundError as error:
        if error.name != 'timm':
            raise
        raise ImportError(
            "backbones of timm need timm, which is not installed: pip install 'mmoneformer[timm]', or pip install "
            '--no-deps timm if the torchvision that it asks for does not fit your torch'
        ) from error


def find_record(name: str) -> Any:
    """Find timm's record of a model: where its weights are, and what images they were trained with.

    Args:
        name: Name of a model in timm, with or without a tag of its weights. Prefixes such as ``hf-hub:`` are unknown.

    Raises:
        ImportError: If timm is not installed.
        ValueError: If timm has no such model, or no such weights of it; similar names are listed.
    """
    timm = import_timm()
    model, _, tag = name.partition('.')
    if not timm.is_model(model):
        near = difflib.get_close_matches(model, timm.list_models(), n=4) or timm.list_models(f'*{model[:8]}*')
        raise ValueError(
            f'timm {timm.__version__} has no model {model!r}{_listed("; similar names: ", near)}; timm.list_models() '
            'lists all'
        )
    tagged = timm.list_models(f'{model}.*', pretrained=True)
    if tag and name not in tagged:
        raise ValueError(f'timm {timm.__version__} has no weights {tag!r} of {model}{_listed("; it has ", tagged)}')
    return timm.get_pretrained_cfg(name)


def _listed(introduction: str, names: list[str]) -> str:
    return introduction + first_few(map(repr, names)) if names else ''


def build_timm(name: str, *, if_known: Mapping[str, Any] | None = None, **wanted: Any) -> nn.Module:
    """Build a model of timm.

    Args:
        name: As in ``find_record``.
        if_known: Arguments of ``timm.create_model`` that models may lack.
        **wanted: Arguments that they may not.

    Raises:
        ValueError: If the model does not take an argument that is wanted.
    """
    timm = import_timm()
    optional = dict(if_known or {})
    while True:
        try:
            return timm.create_model(name, **wanted, **optional)
        except TypeError as error:
            unknown = UNKNOWN_ARGUMENT.search(str(error))
            if unknown is None or unknown[1] not in {*wanted, *optional}:
                raise
            if unknown[1] in wanted:
                raise ValueError(
                    f'{name} of timm does not take {unknown[1]}: leave it out, or take another model'
                ) from error
            del optional[unknown[1]]
