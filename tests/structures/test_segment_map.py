import numpy as np
import pytest

from mmoneformer.structures.segment_map import SegmentMap, skip_fill

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


@pytest.mark.parametrize('count', [3, 254, 255, 300])
def test_what_transforms_fill_is_void(count):
    """mmcv, mmdet and mmseg fill maps with 255 unless told otherwise, whatever the number of segments."""
    numbers = np.arange(count + 1).astype(np.min_scalar_type(count))[None]
    filled = np.append(skip_fill(numbers, count), [[255, 255]], axis=1)
    found = SegmentMap.of_sample({'gt_seg_map': filled, 'segments': [{}] * count})
    assert found.ids[0].tolist() == [*range(count + 1), 0, 0]
    assert found.void_area() == 3


def test_fill_where_segments_overlap():
    sample = {'gt_seg_map': np.array([[1, 255, 3, 2]], np.uint8), 'segments': [{}] * 3}
    found = SegmentMap.of_sample(sample | {'gt_members': OVERLAPPING.members})
    assert found.masks().astype(int).tolist() == [[[1, 0, 1, 0]], [[0, 0, 1, 1]], [[0, 0, 0, 0]]]


@pytest.mark.parametrize('members', [{}, {'gt_members': OVERLAPPING.members}])
def test_other_fill_values(members):
    sample = {'gt_seg_map': np.array([[1, 128]], np.uint8), 'segments': [{}] * 3, 'img_path': 'a.jpg', **members}
    with pytest.raises(ValueError, match=r'a\.jpg has the value 128, but 3 segments: transforms .* 0 or 255'):
        SegmentMap.of_sample(sample)


def test_map_of_another_kind():
    with pytest.raises(ValueError, match=r'must be \[H, W\] integers, but a transform made it float32 \(2, 4\)'):
        SegmentMap.of_sample({'gt_seg_map': PLAIN.ids.astype(np.float32), 'segments': [{}] * 3})


@pytest.mark.parametrize('count', [3, 254, 255, 300])
@pytest.mark.parametrize('overlap', [False, True])
def test_fields_of_a_sample(count, overlap):
    """255 is never a segment; what comes back is the same."""
    ids = np.arange(count + 1).reshape(1, -1)
    members = SegmentMap(ids, count).table()
    assert members.shape == (count + 1, count)
    assert members[ids[0]].argmax(1).tolist() == [0, *range(count)]
    if overlap:
        members[2, 0] = True
    segment_map = SegmentMap(ids, count, members if overlap else None)
    fields = segment_map.fields()
    assert fields.keys() == ({'gt_seg_map', 'gt_members'} if overlap else {'gt_seg_map'})
    assert fields['gt_seg_map'].dtype == (np.uint8 if count < 255 else np.uint16)
    assert 255 not in fields['gt_seg_map']
    again = SegmentMap.of_sample(fields | {'segments': [{}] * count})
    np.testing.assert_array_equal(again.masks(), segment_map.masks())
