from pathlib import Path

import cv2
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile

from mmoneformer.apis.image_sources import list_sources, load_source

ARRAY = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


@pytest.fixture
def folder(tmp_path):
    for name in ('b.JPG', 'a.png', 'c.jpeg', 'notes.txt', 'inner/d.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_folder_by_name(folder):
    assert list_sources(folder) == [folder / name for name in ('a.png', 'b.JPG', 'c.jpeg')]


def test_file_of_any_suffix(folder):
    assert list_sources(str(folder / 'notes.txt')) == [folder / 'notes.txt']


def test_mixed_list(folder):
    sources = list_sources([ARRAY, str(folder / 'b.JPG'), folder / 'inner'])
    assert sources[0] is ARRAY
    assert sources[1:] == [folder / 'b.JPG', folder / 'inner/d.png']


def test_array():
    assert list_sources(ARRAY)[0] is ARRAY


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no such file or folder: .*missing\.png'):
        list_sources(tmp_path / 'missing.png')


def test_folder_without_pictures(tmp_path):
    (tmp_path / 'x.txt').touch()
    with pytest.raises(ValueError, match=r'holds no picture \(\.bmp, \.jpeg'):
        list_sources(tmp_path)


@pytest.mark.parametrize('array', [ARRAY[..., 0], ARRAY / 255, ARRAY[..., :2], ARRAY[:0]])
def test_array_that_is_no_image(array):
    with pytest.raises(ValueError, match=r'must be BGR, uint8 \[H, W, 3\], got (uint8|float64) \['):
        list_sources([array])


@pytest.mark.parametrize('as_file', [True, False])
def test_loads(tmp_path, as_file):
    cv2.imwrite(str(tmp_path / 'x.png'), ARRAY)
    results = load_source(tmp_path / 'x.png' if as_file else ARRAY, LoadImageFromFile())
    np.testing.assert_array_equal(results['img'], ARRAY)
    assert results['ori_shape'] == (4, 5)


def test_gray_and_alpha_become_colour(tmp_path):
    for name, picture in {'gray.png': ARRAY[..., 0], 'alpha.png': np.dstack((ARRAY, ARRAY[..., 0]))}.items():
        cv2.imwrite(str(tmp_path / name), picture)
        assert load_source(tmp_path / name, LoadImageFromFile())['img'].shape == (4, 5, 3)


@pytest.mark.parametrize('content', [b'', b'GIF of a cat', b'\x89PNG\r\n\x1a\n broken'])
def test_names_what_it_cannot_read(tmp_path, content):
    path = Path(tmp_path / 'broken.png')
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'broken\.png is no picture that can be read'):
        load_source(path, LoadImageFromFile())
