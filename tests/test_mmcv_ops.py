import importlib
import sys
from importlib.util import find_spec
from types import ModuleType

import mmcv
import pytest
import torch

from mmoneformer import mmcv_ops

needs_stand_in = pytest.mark.skipif(
    find_spec(mmcv_ops.EXTENSION).loader is not None, reason='mmcv is installed with its compiled operators'
)


@needs_stand_in
def test_a_missing_operator_is_named_when_it_is_called():
    from mmcv.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 4.0, 6.0], [1.0, 0.0, 4.0, 6.0]])
    with pytest.raises(RuntimeError, match="compiled operator 'nms'.*install the full mmcv"):
        nms(boxes, torch.tensor([0.5, 0.9]), iou_threshold=0.5)


@needs_stand_in
@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_mmcv_still_knows_that_it_has_no_operators():
    from mmcv.utils.ext_loader import check_ops_exist

    assert not check_ops_exist()


@needs_stand_in
def test_only_public_names_are_operators():
    with pytest.raises(AttributeError, match='__path__'):
        sys.modules[mmcv_ops.EXTENSION].__path__  # noqa: B018


def test_a_loaded_extension_is_left_untouched(monkeypatch):
    compiled = ModuleType(mmcv_ops.EXTENSION)
    monkeypatch.setitem(sys.modules, mmcv_ops.EXTENSION, compiled)
    mmcv_ops.stand_in_where_missing()
    assert sys.modules[mmcv_ops.EXTENSION] is compiled


def test_an_extension_on_disk_is_left_to_the_import(monkeypatch, tmp_path):
    (tmp_path / '_ext.py').write_text("nms = 'compiled'\n")
    monkeypatch.setattr(mmcv, '__path__', [str(tmp_path)])
    monkeypatch.delitem(sys.modules, mmcv_ops.EXTENSION)
    monkeypatch.setattr(mmcv, '_ext', None, raising=False)
    mmcv_ops.stand_in_where_missing()
    assert importlib.import_module(mmcv_ops.EXTENSION).nms == 'compiled'


def test_a_missing_extension_is_replaced(monkeypatch, tmp_path):
    monkeypatch.setattr(mmcv, '__path__', [str(tmp_path)])
    monkeypatch.delitem(sys.modules, mmcv_ops.EXTENSION)
    mmcv_ops.stand_in_where_missing()
    with pytest.raises(RuntimeError, match='roi_align_forward'):
        sys.modules[mmcv_ops.EXTENSION].roi_align_forward(torch.ones(1))
