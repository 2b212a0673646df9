import sys

import numpy as np
import pytest

from mmoneformer.results import to_supervision

supervision = pytest.importorskip('supervision')


def test_detections(predictions, metainfo, masks):
    found = to_supervision(predictions, 'instance', metainfo)
    assert isinstance(found, supervision.Detections)
    np.testing.assert_array_equal(found.mask, masks[1:3])
    np.testing.assert_array_equal(found.xyxy, [[1, 1, 5, 4], [6, 2, 9, 4]])
    np.testing.assert_array_equal(found.area, masks[1:3].sum((1, 2)))
    good = found[found.confidence > 0.5]
    assert (good.class_id.tolist(), good.data['class_name'].tolist()) == ([1], ['cat'])


def test_every_task_can_be_drawn(predictions, metainfo):
    blank = np.zeros((6, 9, 3), np.uint8)
    for task, count in (('panoptic', 4), ('instance', 2), ('semantic', 3)):
        found = to_supervision(predictions, task, metainfo)
        assert len(found) == count
        drawn = supervision.MaskAnnotator(opacity=1).annotate(blank.copy(), found)
        np.testing.assert_array_equal(drawn.any(2), found.mask.any(0))
    assert found.confidence is None


def test_nothing(nothing, metainfo):
    for task in nothing:
        assert to_supervision(nothing, task, metainfo) == supervision.Detections.empty()


def test_without_the_package(predictions, metainfo, monkeypatch):
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(ImportError, match=r"supervision is not installed: pip install 'mmoneformer\[supervision\]'"):
        to_supervision(predictions, 'instance', metainfo)
