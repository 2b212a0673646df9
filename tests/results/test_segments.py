import numpy as np
import pytest

from mmoneformer.results.segments import segments_of


def test_panoptic(predictions, metainfo, masks):
    found = list(segments_of(predictions, 'panoptic', metainfo))
    assert [(segment.label, segment.class_name, segment.score) for segment in found] == [
        (0, 'sky', 0.875),
        (1, 'cat', 0.75),
        (1, 'cat', 0.25),
        (2, 'road', 0.5),
    ]
    assert [segment.box for segment in found] == [(0, 0, 9, 5), (1, 1, 5, 4), (6, 2, 9, 4), (0, 5, 9, 6)]
    np.testing.assert_array_equal([segment.mask for segment in found], masks)


def test_instances(predictions, metainfo, masks):
    found = list(segments_of(predictions, 'instance', metainfo))
    assert [(segment.label, segment.class_name, segment.score) for segment in found] == [
        (1, 'cat', 0.75),
        (1, 'cat', 0.25),
    ]
    assert [segment.box for segment in found] == [(1, 1, 5, 4), (6, 2, 9, 4)]
    np.testing.assert_array_equal([segment.mask for segment in found], masks[1:3])


def test_semantic(predictions, metainfo, masks):
    found = list(segments_of(predictions, 'semantic', metainfo))
    assert [(segment.label, segment.class_name, segment.score) for segment in found] == [
        (0, 'sky', None),
        (1, 'cat', None),
        (2, 'road', None),
    ]
    np.testing.assert_array_equal(found[1].mask, masks[1] | masks[2])
    assert found[1].box == (1, 1, 9, 4)


def test_pixels_without_data(raster, metainfo):
    found = list(segments_of(raster, 'semantic', metainfo))
    assert [segment.class_name for segment in found] == ['sky', 'cat', 'road']
    assert found[0].box == (0, 1, 9, 6)
    assert not any(segment.mask[0].any() for segment in found)
    empty = {'semantic': {'label_map': np.full((2, 3), 255, np.uint8)}}
    assert list(segments_of(empty, 'semantic', metainfo)) == []


def test_a_task_that_was_not_predicted(predictions, metainfo):
    with pytest.raises(
        ValueError, match=r"no task 'instance', only \['semantic'\]: predict it, or convert one of these"
    ):
        list(segments_of({'semantic': predictions['semantic']}, 'instance', metainfo))
