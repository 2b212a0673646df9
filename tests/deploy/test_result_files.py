import os
import time
from pathlib import PurePosixPath

import cv2
import numpy as np
import pytest
from PIL import Image

from mmoneformer_deploy.result_files import MARK, FreeNames, is_result, marked_png, safe_name

PIXELS = np.arange(24, dtype=np.uint8).reshape(4, 6)


@pytest.fixture
def png():
    return cv2.imencode('.png', PIXELS)[1].tobytes()


def test_a_marked_png_has_the_same_pixels(png, tmp_path):
    path = tmp_path / 'a.png'
    path.write_bytes(png)
    assert not is_result(path)
    path.write_bytes(marked_png(png))
    assert is_result(path)
    np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), PIXELS)
    with Image.open(path) as image:
        image.load()
        assert image.text == {'Comment': 'written by mmoneformer'}
        np.testing.assert_array_equal(np.asarray(image), PIXELS)


def test_what_is_no_result(tmp_path):
    (tmp_path / 'empty').touch()
    (tmp_path / 'late.json').write_text(' ' * 1000 + 'written by mmoneformer')
    (tmp_path / 'empty.tif').touch()
    (tmp_path / 'damaged.tif').write_bytes(b'II*\0\x08\0\0\0\xff\xff')
    Image.fromarray(PIXELS).save(tmp_path / 'other.tif', software='another program')
    names = ('', 'gone', 'empty', 'late.json', 'empty.tif', 'damaged.tif', 'other.tif')
    assert not any(is_result(tmp_path / name) for name in names)


@pytest.mark.parametrize('big', [False, True])
def test_a_marked_tiff(tmp_path, big):
    """Behind its pixels, which is where Pillow writes what it says of itself."""
    Image.fromarray(np.tile(PIXELS, (100, 100))).save(tmp_path / 'a.tif', software=MARK, big_tiff=big)
    assert is_result(tmp_path / 'a.tif')


@pytest.mark.parametrize(
    ('text', 'name'),
    [
        ('Größe [1] 100% {x}', 'Größe [1] 100% {x}'),
        ('val/0001', 'val_0001'),
        ('..\\a:b?', '_._a_b_'),
        ('..', '_.'),
        ('', '_'),
        ('a\nb', 'a_b'),
        ('Größe'.encode('latin-1').decode(errors='surrogateescape'), 'Gr__e'),
    ],
)
def test_safe_names(text, name):
    assert safe_name(text) == name


def test_long_names_are_shortened_and_differ():
    first, second = (safe_name('ä' * 200 + end) for end in 'ab')
    assert first != second
    assert first.startswith('ääää')
    assert max(len(name.encode()) for name in (first, second)) <= 180


def test_names_of_a_run():
    names = FreeNames(taken=['C'])
    claimed = [names.claim(wanted) for wanted in ('a', 'A', 'a/b', 'a_b', 'c', 'a')]
    assert claimed == ['a', 'A_2', 'a_b', 'a_b_2', 'c_2', 'a_3']


def test_each_of_the_files_must_be_free():
    names = FreeNames()
    assert names.claim('a', lambda name: [f'{name}.png', f'{name}_1.png']) == 'a'
    assert names.claim('a_1', lambda name: [f'{name}.png']) == 'a_1_2'


def test_files_of_others_are_kept_and_results_replaced(png, tmp_path):
    (tmp_path / 'a.png').write_bytes(png)
    (tmp_path / 'a_2.png').write_bytes(marked_png(png))
    (tmp_path / 'b.png').symlink_to('gone')
    names = FreeNames(tmp_path)
    assert [names.claim(wanted, lambda name: [f'{name}.png']) for wanted in 'abc'] == ['a_2', 'b_2', 'c']


def test_files_of_other_processes_are_kept(png, tmp_path):
    names = FreeNames(tmp_path)
    path = tmp_path / 'a.png'
    path.write_bytes(marked_png(png))
    os.utime(path, (time.time() + 1,) * 2)
    assert names.claim('a', lambda name: [f'{name}.png']) == 'a_2'


def test_an_image_of_two_processes_has_one_name(png, tmp_path):
    """mmengine's sampler gives the first images again to fill up the last batches."""
    first, second = FreeNames(tmp_path), FreeNames(tmp_path)

    def files(name):
        return [f'{name}.png']

    assert [first.claim('a', files, image) for image in ('x/a.jpg', 'x/a.jpg', 'y/a.jpg')] == ['a', 'a', 'a_2']
    for name, image in (('a', 'x/a.jpg'), ('a_2', 'y/a.jpg')):
        (tmp_path / f'{name}.png').write_bytes(marked_png(png, image))
        os.utime(tmp_path / f'{name}.png', (time.time() + 9,) * 2)
    assert [second.claim('a', files, image) for image in ('z/a.jpg', 'x/a.jpg')] == ['a_3', 'a']


def test_names_in_subfolders(tmp_path):
    (tmp_path / 'sub').mkdir()
    (tmp_path / 'sub/y.png').write_bytes(b'mine')
    names, png = FreeNames(tmp_path), lambda name: [f'{name}.png']
    claimed = [names.claim(stem, png, subfolder=PurePosixPath('sub')) for stem in ('x', 'x', 'y', 'a/b')]
    assert claimed == ['sub/x', 'sub/x_2', 'sub/y_2', 'sub/a_b']
    assert names.claim('x', png) == 'x'
    assert names.claim('x', png, subfolder=PurePosixPath('../up')) == '_./up/x'
