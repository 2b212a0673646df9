import numpy as np
import pytest

from mmoneformer.structures.segment_map import SegmentMap

PLAIN = SegmentMap(np.array([[1, 1, 0, 3], [3, 3, 3, 0]], np.uint8), 3)
# values: 0 void, 1 the first segment, 2 the second, 3 both; the third has no pixel
OVERLAPPING = SegmentMap(
    np.array([[0, 1, 3, 2], [0, 0, 3, 0]], np.uint8), 3, np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], bool)
)
EMPTY = SegmentMap(np.zeros((2, 3), np.uint8), 0, np.zeros((1, 0), bool))


@pytest.mark.parametrize('segment_map', [PLAIN, OVERLAPPING, EMPTY, SegmentMap(EMPTY.ids, 0)])
def test_areas_are_those_of_the_masks(segment_map):
    masks = segment_map.masks()
    assert masks.shape == (segment_map.count, *segment_map.ids.shape)
    assert segment_map.areas().tolist() == masks.sum((1, 2)).tolist()
    assert segment_map.visible().tolist() == masks.any((1, 2)).tolist()
    assert segment_map.void_area() == (~masks.any(0)).sum()


def test_masks():
    assert PLAIN.masks()[2].astype(int).tolist() == [[0, 0, 0, 1], [1, 1, 1, 0]]
    first, second, third = OVERLAPPING.masks().astype(int).tolist()
    assert first == [[0, 1, 1, 0], [0, 0, 1, 0]]
    assert second == [[0, 0, 1, 1], [0, 0, 1, 0]]
    assert third == [[0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize('segment_map', [PLAIN, OVERLAPPING])
@pytest.mark.parametrize('groups', [[[0], [1], [2]], [[2, 0]], [[1], [0]], [[], [2]], []])
def test_merged_masks_are_unions(segment_map, groups):
    merged = segment_map.merge(groups)
    unions = [segment_map.masks()[group].any(0) for group in groups]
    assert merged.count == len(groups)
    np.testing.assert_array_equal(merged.masks(), np.array(unions, bool).reshape(-1, *segment_map.ids.shape))
    assert merged.ids.dtype == segment_map.ids.dtype


def test_only_segments_that_overlap_need_a_table():
    assert OVERLAPPING.merge([[0], [1]]).members is not None
    assert OVERLAPPING.merge([[1]]).members is None
    assert OVERLAPPING.merge([[0, 1]]).members is None


def test_of_overlapping_segments_the_first_is_kept():
    assert OVERLAPPING.flatten().tolist() == [[0, 1, 1, 2], [0, 0, 1, 0]]
    assert EMPTY.flatten().tolist() == [[0, 0, 0], [0, 0, 0]]
    assert PLAIN.flatten() is PLAIN.ids


def test_values_of_segments():
    painted = PLAIN.paint([7, 8, 9], void=255)
    assert painted.tolist() == [[7, 7, 255, 9], [9, 9, 9, 255]]
    assert painted.dtype == np.uint8


def test_map_of_a_sample():
    sample = {'gt_seg_map': OVERLAPPING.ids, 'segments': [{}, {}, {}], 'gt_members': OVERLAPPING.members}
    assert SegmentMap.of_sample(sample).areas().tolist() == [3, 3, 0]
    del sample['gt_members']
    assert SegmentMap.of_sample(sample).areas().tolist() == [1, 1, 2]
