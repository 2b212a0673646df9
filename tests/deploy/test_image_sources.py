from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pytest
from PIL import Image

from mmoneformer_deploy.image_sources import expand_sources, folders_in, name_of, names_in, place_of, stem_of
from mmoneformer_deploy.result_files import MARK, marked_png

ARRAY = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
IMAGE = Image.fromarray(ARRAY)


@pytest.fixture
def folder(tmp_path):
    for name in ('b.JPG', 'a.png', 'c.jpeg', 'notes.txt', '.c.part.png', '._c.jpeg', 'inner/d.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_folder_by_name(folder):
    """Incomplete files are left out; other hidden ones are told if they cannot be read."""
    assert expand_sources(folder) == [folder / name for name in ('._c.jpeg', 'a.png', 'b.JPG', 'c.jpeg')]


def test_folder_with_its_subfolders(folder):
    """Each folder before its subfolders, by name; neither hidden ones nor results of an earlier run."""
    for name in ('inner/a/z.png', 'inner/B.png', '.cache/x.png', 'out/x.png', 'empty/x.txt'):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / 'out/x.png').write_bytes(marked_png(cv2.imencode('.png', ARRAY)[1].tobytes()))
    (folder / 'circle').symlink_to(folder, target_is_directory=True)
    names = ['._c.jpeg', 'a.png', 'b.JPG', 'c.jpeg', 'inner/B.png', 'inner/d.png', 'inner/a/z.png']
    assert expand_sources(folder, recursive=True) == [folder / name for name in names]
    with pytest.raises(ValueError, match='and its subfolders have no images'):
        expand_sources(folder / 'empty', recursive=True)


def test_results_of_rasters_are_left_out(tmp_path):
    for name, software in (
        ('scene.tif', 'another program'),
        ('scene_panoptic.tif', MARK),
        ('scene_semantic.tif', MARK),
    ):
        IMAGE.save(tmp_path / name, software=software)
    assert expand_sources(tmp_path) == expand_sources(f'{tmp_path}/*.tif') == [tmp_path / 'scene.tif']
    assert expand_sources(tmp_path / 'scene_panoptic.tif') == [tmp_path / 'scene_panoptic.tif']


def test_subfolders_of_results(folder):
    roots = folders_in([str(folder), folder / 'a.png', ARRAY])
    assert roots == folders_in(folder) == [folder]
    assert folders_in(iter([folder])) == folders_in(ARRAY) == []
    assert place_of(folder / 'inner/d.png', 3, roots) == ('d', PurePosixPath('inner'))
    assert place_of(folder / 'a.png', 3, roots) == ('a', PurePosixPath('.'))
    assert place_of(Path('other/d.png'), 3, roots) == place_of('https://x.org/d.png', 3) == ('d', PurePosixPath('.'))


def test_file_of_any_suffix(folder):
    assert expand_sources(str(folder / 'notes.txt')) == [folder / 'notes.txt']


def test_mixed_list(folder):
    sources = expand_sources([ARRAY, str(folder / 'b.JPG'), folder / 'inner'])
    assert sources[0] is ARRAY
    assert sources[1:] == [folder / 'b.JPG', folder / 'inner/d.png']


@pytest.mark.parametrize('image', [ARRAY, IMAGE], ids=['array', 'Pillow'])
def test_in_memory(image):
    assert expand_sources(image)[0] is image
    assert expand_sources([image, image])[1] is image


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no such file or folder: .*missing\.png'):
        expand_sources(tmp_path / 'missing.png')


def test_folder_without_images(tmp_path):
    (tmp_path / 'x.txt').touch()
    with pytest.raises(ValueError, match=r'has no images \(\.bmp, \.jpeg'):
        expand_sources(tmp_path)


def test_subfolders_are_mentioned(tmp_path, caplog):
    (tmp_path / 'a/b').mkdir(parents=True)
    with pytest.raises(ValueError, match=r'\.webp\)$'):
        expand_sources(tmp_path)
    (tmp_path / 'a/b/x.jpg').touch()
    hint = rf"subfolders are not searched, but with the pattern '{tmp_path}/\*\*/\*'"
    with pytest.raises(ValueError, match=rf'has no images .*; {hint}'):
        expand_sources(tmp_path)
    (tmp_path / 'y.jpg').touch()
    assert expand_sources(tmp_path) == [tmp_path / 'y.jpg']
    assert '1 images; subfolders are not searched' in caplog.text
    assert expand_sources(tmp_path / '**/*') == [tmp_path / 'a/b/x.jpg', tmp_path / 'y.jpg']


def test_results_of_an_earlier_run_are_no_inputs(tmp_path):
    png = cv2.imencode('.png', ARRAY)[1].tobytes()
    (tmp_path / 'a.png').write_bytes(png)
    (tmp_path / 'a_2.png').write_bytes(marked_png(png))
    for source in (tmp_path, tmp_path / '*.png'):
        assert expand_sources(source) == [tmp_path / 'a.png']
    assert expand_sources(tmp_path / 'a_2.png') == [tmp_path / 'a_2.png']


def test_pattern(folder):
    expected = [folder / name for name in ('a.png', 'inner/d.png')]
    assert expand_sources(str(folder / '**' / '*.png')) == expected
    with pytest.raises(ValueError, match=r'no image \(.*\) matches the pattern .*\*\.gif$'):
        expand_sources(folder / '*.gif')


def test_pattern_below_a_folder_whose_name_looks_like_a_pattern(tmp_path):
    folder = tmp_path / 'photos [1]'
    (folder / 'a').mkdir(parents=True)
    (folder / 'a/x.png').touch()
    for pattern in ('a/*.png', '**/*', '*/x.*'):
        assert expand_sources(f'{folder}/{pattern}') == [folder / 'a/x.png']


def test_a_file_whose_name_looks_like_a_pattern(tmp_path):
    (tmp_path / 'a[1].png').touch()
    assert expand_sources(tmp_path / 'a[1].png') == [tmp_path / 'a[1].png']


def test_an_iterator_is_asked_for_one_image_at_a_time():
    asked = []

    def endless():
        while True:
            asked.append(ARRAY)
            yield ARRAY

    sources = expand_sources(endless())
    assert next(sources) is ARRAY
    assert len(asked) == 1


def test_what_is_no_image():
    with pytest.raises(TypeError, match='an image is a path, a URL, an array or a PIL image, got int: 7'):
        expand_sources([7])


@pytest.mark.parametrize(
    ('source', 'name', 'stem'),
    [
        (Path('a/b.tar.png'), 'a/b.tar.png', 'b.tar'),
        ('https://example.org/x/y.jpg?size=3', 'https://example.org/x/y.jpg?size=3', 'y'),
        ('https://example.org/', 'https://example.org/', '000012'),
        (ARRAY, 'array 12', '000012'),
        (IMAGE, 'PIL image 12', '000012'),
    ],
    ids=['file', 'URL', 'URL without a name', 'array', 'PIL image'],
)
def test_names(source, name, stem):
    assert name_of(source, 12) == name
    assert stem_of(source, 12) == stem


def test_names_in_a_folder(folder):
    sources = [folder / 'a.png', folder / 'inner/d.png', ARRAY, 'https://example.org/x.png', folder / 'inner/../b.JPG']
    assert names_in(folder, sources) == ['a.png', 'b.JPG']
    assert names_in(folder, iter(sources)) == names_in(folder / 'new', sources) == []


def test_missing_files_may_be_left_to_the_loader(folder):
    assert expand_sources([folder / 'gone.png'], missing_ok=True) == [folder / 'gone.png']
