"""Stands in for mmcv's compiled operators where there are none.

mmdet imports every operator of mmcv when it starts, but OneFormer calls none of them. mmcv-lite, and an mmcv
installed without a compiler, have no ``mmcv._ext``; mmdet then fails to import although nothing that we need is
missing. A module whose functions say what is missing when they are called takes its place.
"""

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NoReturn

EXTENSION = 'mmcv._ext'


class _MissingOperators(ModuleType):
    """A module in which every public name is a function that raises."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args: Any, **kwargs: Any) -> NoReturn:
            raise RuntimeError(
                f'mmcv is installed without its compiled operator {name!r}. OneFormer does not need it, the code '
                'that called it does: install the full mmcv for your torch and CUDA versions '
                '(pip uninstall mmcv-lite; then https://mmcv.readthedocs.io/en/latest/get_started/installation.html)'
            )

        missing.__name__ = name
        return missing


def stand_in_where_missing() -> None:
    """Make ``mmcv.ops`` importable; a compiled mmcv is left untouched."""
    if EXTENSION in sys.modules or find_spec(EXTENSION) is not None:
        return
    module = _MissingOperators(EXTENSION)
    module.__spec__ = ModuleSpec(EXTENSION, loader=None)  # no loader: mmcv's check_ops_exist() still answers no
    sys.modules[EXTENSION] = module


def are_compiled() -> bool:
    """Whether mmcv has its compiled operators."""
    return not isinstance(sys.modules.get(EXTENSION), _MissingOperators)
