import numpy as np
import pytest
from PIL import Image

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets.converters.id_map import (
    Segment,
    read_checked,
    read_id_map,
    read_image,
    segments_info,
    write_id_map,
)

ID_MAP = np.array([[0, 1, 255], [256, 65535, 65536]], np.int32)


def test_color_encodes_the_id(tmp_path):
    write_id_map(tmp_path / 'a.png', ID_MAP)
    rgb = np.asarray(Image.open(tmp_path / 'a.png'))
    assert rgb.tolist() == [[[0, 0, 0], [1, 0, 0], [255, 0, 0]], [[0, 1, 0], [255, 255, 0], [0, 0, 1]]]
    np.testing.assert_array_equal(read_id_map(tmp_path / 'a.png'), ID_MAP)


def test_a_right_file_is_left_and_a_broken_one_replaced(tmp_path):
    path = tmp_path / 'a.png'
    write_id_map(path, ID_MAP)
    before = path.stat().st_ino
    write_id_map(path, ID_MAP)
    assert path.stat().st_ino == before

    path.write_bytes(path.read_bytes()[:20])
    write_id_map(path, ID_MAP)
    np.testing.assert_array_equal(read_id_map(path), ID_MAP)
    write_id_map(path, ID_MAP[:1])
    np.testing.assert_array_equal(read_id_map(path), ID_MAP[:1])
    assert [file.name for file in tmp_path.iterdir()] == ['a.png']


@pytest.mark.parametrize('content', [b'', b'no image'])
def test_what_is_no_image_is_named(tmp_path, content):
    (tmp_path / 'a.png').write_bytes(content)
    with pytest.raises(ValueError, match=r'a\.png cannot be decoded'):
        read_image(tmp_path / 'a.png')


def test_sixteen_bits_are_kept(tmp_path):
    Image.fromarray(np.array([[26001, 7]], np.uint16)).save(tmp_path / 'a.png')
    assert read_image(tmp_path / 'a.png').tolist() == [[26001, 7]]


@pytest.mark.parametrize('mode', ['L', 'RGBA', 'I;16'])
def test_other_encodings_are_no_id_maps(tmp_path, mode):
    Image.new(mode, (3, 2)).save(tmp_path / 'a.png')
    with pytest.raises(ValueError, match=r'a\.png is not an 8-bit RGB image'):
        read_id_map(tmp_path / 'a.png')


def test_checked_reading(tmp_path):
    path = tmp_path / 'a.png'
    write_id_map(path, ID_MAP)
    ids = [1, 255, 256, 65535, 65536]
    np.testing.assert_array_equal(read_checked(path, shape=(2, 3), ids=[*ids, 7]), ID_MAP)
    with pytest.raises(ValueError, match=r'a\.png has height and width \(2, 3\), but its image has \(3, 2\)'):
        read_checked(path, shape=(3, 2), ids=ids)
    with pytest.raises(ValueError, match=r'a\.png has pixels .* the json does not list: \[65535, 65536\]'):
        read_checked(path, shape=(2, 3), ids=ids[:3])


def test_segments_info_counts_pixels_and_bounds_them():
    generator = np.random.default_rng(0)
    id_map = generator.choice([0, 3, 70000, 5], (5, 7), p=[0.7, 0.1, 0.1, 0.1])
    entries = segments_info(id_map, [Segment(70000, 9), Segment(3, 1, is_crowd=True)])

    expected = []
    for segment_id, category_id, iscrowd in ((70000, 9, 0), (3, 1, 1)):
        pixels = [(x, y) for y in range(5) for x in range(7) if id_map[y, x] == segment_id]
        left, top = min(x for x, _ in pixels), min(y for _, y in pixels)
        right, bottom = max(x for x, _ in pixels), max(y for _, y in pixels)
        expected.append(
            {
                'id': segment_id,
                'category_id': category_id,
                'area': len(pixels),
                'bbox': [left, top, right - left + 1, bottom - top + 1],
                'iscrowd': iscrowd,
            }
        )
    assert entries == expected
