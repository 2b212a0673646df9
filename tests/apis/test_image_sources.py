import io
import itertools
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest
from rich.console import Console

from mmoneformer.apis import image_sources
from mmoneformer.apis.image_sources import expand_sources, load_source, name_of, names_in, stem_of, tracked
from mmoneformer.datasets.transforms import LoadImageFromFile
from mmoneformer.result_files import marked_png

ARRAY = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


@pytest.fixture
def folder(tmp_path):
    for name in ('b.JPG', 'a.png', 'c.jpeg', 'notes.txt', '.c.part.png', '._c.jpeg', 'inner/d.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_folder_by_name(folder):
    """Incomplete files are left out; other hidden ones are told if they cannot be read."""
    assert expand_sources(folder) == [folder / name for name in ('._c.jpeg', 'a.png', 'b.JPG', 'c.jpeg')]


def test_file_of_any_suffix(folder):
    assert expand_sources(str(folder / 'notes.txt')) == [folder / 'notes.txt']


def test_mixed_list(folder):
    sources = expand_sources([ARRAY, str(folder / 'b.JPG'), folder / 'inner'])
    assert sources[0] is ARRAY
    assert sources[1:] == [folder / 'b.JPG', folder / 'inner/d.png']


def test_array():
    assert expand_sources(ARRAY)[0] is ARRAY


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no such file or folder: .*missing\.png'):
        expand_sources(tmp_path / 'missing.png')


def test_folder_without_images(tmp_path):
    (tmp_path / 'x.txt').touch()
    with pytest.raises(ValueError, match=r'has no images \(\.bmp, \.jpeg'):
        expand_sources(tmp_path)


def test_subfolders_are_mentioned(tmp_path, monkeypatch):
    (tmp_path / 'a/b').mkdir(parents=True)
    with pytest.raises(ValueError, match=r'\.webp\)$'):
        expand_sources(tmp_path)
    (tmp_path / 'a/b/x.jpg').touch()
    hint = rf"subfolders are not searched, but with the pattern '{tmp_path}/\*\*/\*'"
    with pytest.raises(ValueError, match=rf'has no images .*; {hint}'):
        expand_sources(tmp_path)
    (tmp_path / 'y.jpg').touch()
    logged = []
    monkeypatch.setattr('mmoneformer.apis.image_sources.print_log', lambda text, logger: logged.append(text))
    assert expand_sources(tmp_path) == [tmp_path / 'y.jpg']
    assert '1 images; subfolders are not searched' in logged[0]
    assert expand_sources(tmp_path / '**/*') == [tmp_path / 'a/b/x.jpg', tmp_path / 'y.jpg']


def test_results_of_an_earlier_run_are_no_inputs(tmp_path):
    png = cv2.imencode('.png', ARRAY)[1].tobytes()
    (tmp_path / 'a.png').write_bytes(png)
    (tmp_path / 'a_2.png').write_bytes(marked_png(png))
    for source in (tmp_path, tmp_path / '*.png'):
        assert expand_sources(source) == [tmp_path / 'a.png']
    assert expand_sources(tmp_path / 'a_2.png') == [tmp_path / 'a_2.png']


@pytest.mark.parametrize('array', [ARRAY[..., 0], ARRAY / 255, ARRAY[..., :2], ARRAY[:0]])
def test_array_that_is_no_image(array):
    with pytest.raises(ValueError, match=r'must be BGR, uint8 \[H, W, 3\], got (uint8|float64) \['):
        load_source(array, LoadImageFromFile())


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


def test_missing_files_may_be_left_to_the_loader(folder):
    assert expand_sources([folder / 'gone.png'], missing_ok=True) == [folder / 'gone.png']
    with pytest.raises(ValueError, match=r'gone\.png'):
        load_source(folder / 'gone.png', LoadImageFromFile())


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
    with pytest.raises(TypeError, match='an image is a path, a URL or an array, got int: 7'):
        expand_sources([7])


@pytest.mark.parametrize(
    ('source', 'name', 'stem'),
    [
        (Path('a/b.tar.png'), 'a/b.tar.png', 'b.tar'),
        ('https://example.org/x/y.jpg?size=3', 'https://example.org/x/y.jpg?size=3', 'y'),
        ('https://example.org/', 'https://example.org/', '000012'),
        (ARRAY, 'array 12', '000012'),
    ],
    ids=str,
)
def test_names(source, name, stem):
    assert name_of(source, 12) == name
    assert stem_of(source, 12) == stem


def test_names_in_a_folder(folder):
    sources = [folder / 'a.png', folder / 'inner/d.png', ARRAY, 'https://example.org/x.png', folder / 'inner/../b.JPG']
    assert names_in(folder, sources) == ['a.png', 'b.JPG']
    assert names_in(folder, iter(sources)) == names_in(folder / 'new', sources) == []


@pytest.fixture
def address(tmp_path):
    """A server of a folder with one image."""
    cv2.imwrite(str(tmp_path / 'x.png'), ARRAY)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with HTTPServer(('127.0.0.1', 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


def test_url(address):
    (source,) = expand_sources(f'{address}/x.png')
    np.testing.assert_array_equal(load_source(source, LoadImageFromFile())['img'], ARRAY)
    with pytest.raises(ValueError, match=r'/y\.png is not a readable image: .*404'):
        load_source(f'{address}/y.png', LoadImageFromFile())


@pytest.mark.parametrize('as_file', [True, False])
def test_loads(tmp_path, as_file):
    cv2.imwrite(str(tmp_path / 'x.png'), ARRAY)
    results = load_source(tmp_path / 'x.png' if as_file else ARRAY, LoadImageFromFile())
    np.testing.assert_array_equal(results['img'], ARRAY)
    assert results['ori_shape'] == (4, 5)


def test_gray_and_alpha_become_color(tmp_path):
    for name, image in {'gray.png': ARRAY[..., 0], 'alpha.png': np.dstack((ARRAY, ARRAY[..., 0]))}.items():
        cv2.imwrite(str(tmp_path / name), image)
        assert load_source(tmp_path / name, LoadImageFromFile())['img'].shape == (4, 5, 3)


@pytest.mark.parametrize('content', [b'', b'GIF of a cat', b'\x89PNG\r\n\x1a\n broken'])
def test_names_what_it_cannot_read(tmp_path, content):
    path = Path(tmp_path / 'broken.png')
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'broken\.png is (not a readable image|empty)'):
        load_source(path, LoadImageFromFile())


@pytest.fixture
def terminal(monkeypatch):
    """What is printed on a terminal."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100)
    original = image_sources.Progress
    monkeypatch.setattr(
        image_sources, 'Progress', lambda *args, **options: original(*args, console=console, **options)
    )
    return text


def test_passes_all_on_and_says_how_many_how_fast(terminal):
    assert list(tracked(['a', 'b', 'c'], shown=True)) == ['a', 'b', 'c']
    assert '3/3' in terminal.getvalue()
    assert 'images/s' in terminal.getvalue()


def test_an_iterator_is_not_read_ahead(terminal):
    images = itertools.count()
    assert next(tracked(images, shown=True, total=7)) == 0
    assert next(images) == 1


@pytest.mark.parametrize(('images', 'shown'), [(['a'], True), (['a', 'b'], False)])
def test_no_bar_for_one_image_or_where_none_is_wanted(terminal, images, shown):
    assert list(tracked(images, shown=shown)) == images
    assert terminal.getvalue().strip() == ''
