"""Lets timm be imported without torchvision.

timm imports torchvision when it starts, for data sets and transforms that backbones do not use. PyPI's torchvision
does not fit every build of torch, and then cannot even be imported. During the import of timm, modules whose classes
say what is missing when they are called take its place.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

NAME = 'torchvision'


@contextmanager
def torchvision_or_stand_in() -> Iterator[None]:
    """Context in which torchvision can be imported; one that works is left untouched."""
    if _works():
        yield
        return
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _forget()  # whoever asks whether there is a torchvision must find none


def _works() -> bool:
    try:
        import_module(NAME)
    except Exception:  # of any class: one that was built for another torch fails when it registers its operators
        _forget()
        return False
    return True


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition('.')[0] == NAME]:
        del sys.modules[name]


class _Finder(MetaPathFinder, Loader):
    """Finds a stand-in for torchvision and each of its submodules."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a part of torchvision, None for other modules."""
        return ModuleSpec(fullname, self, is_package=True) if fullname.partition('.')[0] == NAME else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Create the module."""
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing: the module is complete."""


class _StandIn(ModuleType):
    """A module in which every public name is a class."""

    def __getattr__(self, name: str) -> type:
        return _missing_class(name)


class _MissingClass(type):
    """A class that may be derived from, and asked for attributes, but raises when it is called."""

    def __getattr__(cls, name: str) -> type:
        return _missing_class(name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise ImportError(
            f'{cls.__name__!r} of timm or torchvision needs torchvision, which is missing or does not fit this torch: '
            'install that of your torch (https://pytorch.org/get-started) and start again'
        )


def _missing_class(name: str) -> type:
    if name.startswith('__'):
        raise AttributeError(name)
    return _MissingClass(name, (), {})
