import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import pytest

from mmoneformer.models.backbones.torchvision_stand_in import torchvision_or_stand_in


@pytest.fixture
def _none(monkeypatch, tmp_path):
    """A torchvision that fails as one that was built for another torch."""
    (tmp_path / 'torchvision').mkdir()
    (tmp_path / 'torchvision' / '__init__.py').write_text(
        "import torchvision.ops\nraise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    (tmp_path / 'torchvision' / 'ops.py').write_text('')
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures('_none')
def test_its_classes_say_what_is_missing():
    with torchvision_or_stand_in():
        from torchvision import transforms
        from torchvision.ops.misc import FrozenBatchNorm2d

        class Own(transforms.ToTensor):
            pass

    assert not isinstance(1, FrozenBatchNorm2d)
    assert {transforms.InterpolationMode.NEAREST: 'nearest'}
    for called in (FrozenBatchNorm2d, Own):
        with pytest.raises(ImportError, match=f"'{called.__name__}' of timm or torchvision needs torchvision"):
            called(3)


@pytest.mark.usefixtures('_none')
def test_afterwards_there_is_none():
    with torchvision_or_stand_in():
        import_module('torchvision.transforms.functional')
    assert not [name for name in sys.modules if name.startswith('torchvision')]
    assert find_spec('torchvision').origin.endswith('__init__.py')
    with pytest.raises(RuntimeError, match='nms'):
        import_module('torchvision')


def test_one_that_works_is_left_untouched(monkeypatch):
    real = ModuleType('torchvision')
    monkeypatch.setitem(sys.modules, 'torchvision', real)
    with torchvision_or_stand_in():
        assert import_module('torchvision') is real
    assert sys.modules['torchvision'] is real
