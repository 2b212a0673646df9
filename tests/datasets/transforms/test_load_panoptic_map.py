import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmoneformer.datasets.transforms.load_panoptic_map import LoadPanopticMap

DATA = Path(__file__).parents[2] / 'data'


def write_ids(file, ids):
    ids = np.asarray(ids)
    cv2.imwrite(str(file), np.stack([ids >> 16, ids >> 8 & 255, ids & 255], axis=-1).astype(np.uint8))


@pytest.fixture
def load(tmp_path: Path):
    """Writes a map and loads it as that of an image of the same size."""

    def load(ids, segment_ids, **sample):
        write_ids(tmp_path / 'map.png', ids)
        segments = [{'id': int(segment_id), 'label': 0, 'iscrowd': 0} for segment_id in segment_ids]
        sample = {'img_id': 12, 'ori_shape': np.shape(ids), 'segments': segments} | sample
        return LoadPanopticMap()({'seg_map_path': str(tmp_path / 'map.png'), **sample})

    return load


@pytest.mark.parametrize('name', ['swin_small', 'r50_small'])
@pytest.mark.parametrize('image', ['gt0', 'gt1'])
def test_reference_maps(load, name, image):
    truth = np.load(DATA / f'{name}_train.npz')
    ids = truth[f'{image}/pan_ids']
    segments = json.loads(str(truth[f'{image}/segments_info_json']))
    results = load(ids, [segment['id'] for segment in segments])
    for index, segment in enumerate(segments):
        np.testing.assert_array_equal(results['gt_seg_map'] == index + 1, ids == segment['id'])
    assert results['gt_seg_map'].dtype == np.uint8
    assert [segment['id'] for segment in results['segments']] == list(range(1, len(segments) + 1))


def test_ids_of_24_bits(load):
    results = load([[70000, 0, 255], [16777215, 65536, 256]], [256, 65536, 70000, 16777215, 255])
    assert results['gt_seg_map'].tolist() == [[3, 0, 5], [4, 2, 1]]


def test_segments_keep_label_order_and_crowds(load):
    segments = [{'id': 9, 'label': 5, 'iscrowd': 1}, {'id': 4, 'label': 2, 'iscrowd': 0}]
    results = load([[9, 9, 4]], [], segments=segments)
    assert results['segments'] == [{'id': 1, 'label': 5, 'iscrowd': 1}, {'id': 2, 'label': 2, 'iscrowd': 0}]
    assert segments[0]['id'] == 9  # the input is not changed


def test_more_than_254_segments_need_16_bits(load):
    """Transforms fill maps with 255, so no segment has this value."""
    for count, dtype in ((254, np.uint8), (255, np.uint16), (299, np.uint16)):
        ids = np.arange(count + 1)[None] * 1000
        results = load(ids, ids.ravel()[1:])
        assert results['gt_seg_map'].dtype == dtype
        assert results['gt_seg_map'].ravel().tolist() == [*range(255), *range(256, count + 2)][: count + 1]
        assert [segment['id'] for segment in results['segments']] == list(range(1, count + 1))


def test_the_map_is_a_segmentation_map_to_mmseg(load):
    assert load([[0, 8]], [8])['seg_fields'] == ['gt_seg_map']


def test_ids_that_share_12_bits_are_told_apart(load):
    ids = np.array([[0x001000, 0x002000, 0x000001, 0x001001], [0xFFF000, 0xFFF001, 0x000FFF, 0]])
    assert load(ids, ids.ravel()[:-1])['gt_seg_map'].tolist() == [[1, 2, 3, 4], [5, 6, 7, 0]]
    for stray in (0x002001, 0x000002, 0xFFF002, 0x003001):
        with pytest.raises(ValueError, match=rf'not among its segments: \[{stray}\]'):
            load([[stray]], ids.ravel()[:-1], ori_shape=(1, 1))


def test_segment_without_a_pixel_stays_listed(load):
    results = load([[0, 8]], [5, 8])
    assert results['gt_seg_map'].tolist() == [[0, 2]]
    assert len(results['segments']) == 2


def test_image_without_segments(load):
    results = load(np.zeros((3, 5), int), [])
    assert results['gt_seg_map'].tolist() == np.zeros((3, 5)).tolist()


def test_image_without_annotation_passes():
    assert LoadPanopticMap()({'img_path': 'x.jpg'}) == {'img_path': 'x.jpg'}


def test_pixels_without_a_segment(load):
    with pytest.raises(ValueError, match=r'map.png \(image id 12\).*not among its segments: \[6, 70000\]'):
        load([[5, 6, 0, 70000]], [5])


def test_other_size_than_the_image(load):
    with pytest.raises(ValueError, match=r'image id 12.*\(2, 3\), but its image has \(2, 4\); take both'):
        load(np.zeros((2, 3), int), [], ori_shape=(2, 4))


def test_turned_image_hints_at_exif(load):
    with pytest.raises(ValueError, match='color_ignore_orientation'):
        load(np.zeros((2, 3), int), [], ori_shape=(3, 2))


@pytest.mark.parametrize(
    'image',
    [np.zeros((4, 6), np.uint8), np.zeros((4, 6, 4), np.uint8), np.zeros((4, 6, 3), np.uint16)],
    ids=['grayscale', 'alpha', '16 bits'],
)
def test_png_of_another_kind(tmp_path, image):
    file = tmp_path / 'map.png'
    cv2.imwrite(str(file), image)
    with pytest.raises(ValueError, match=r'map.png \(image id 3\) is not an 8-bit RGB PNG'):
        LoadPanopticMap()({'seg_map_path': str(file), 'img_id': 3, 'ori_shape': (4, 6), 'segments': []})


def test_size_is_compared_before_the_pixels_are_decoded(tmp_path):
    file = tmp_path / 'map.png'
    write_ids(file, np.zeros((4, 6)).astype(int))
    content = file.read_bytes()
    file.write_bytes(content[:16] + (60000).to_bytes(4, 'big') * 2 + content[24:])
    with pytest.raises(ValueError, match=r'\(60000, 60000\), but its image has \(4, 6\)'):
        LoadPanopticMap()({'seg_map_path': str(file), 'img_id': 3, 'ori_shape': (4, 6), 'segments': []})


def test_damaged_and_foreign_files(tmp_path):
    file = tmp_path / 'map.png'
    sample = {'seg_map_path': str(file), 'img_id': 3, 'ori_shape': (40, 60), 'segments': []}
    write_ids(file, np.random.default_rng(0).integers(0, 1 << 24, (40, 60)))
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r'image id 3\) is a damaged PNG'):
        LoadPanopticMap()(sample)
    file.write_bytes(cv2.imencode('.jpg', np.zeros((40, 60, 3), np.uint8))[1].tobytes())
    with pytest.raises(ValueError, match='not an 8-bit RGB PNG'):
        LoadPanopticMap()(sample)
