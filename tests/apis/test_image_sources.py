import io
import itertools
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from mmoneformer.apis import image_sources
from mmoneformer.apis.image_sources import counted_tiles, load_source, tracked
from mmoneformer.datasets.transforms import LoadImageFromFile

ARRAY = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


@pytest.mark.parametrize('array', [ARRAY[..., 0], ARRAY / 255, ARRAY[..., :2], ARRAY[:0]])
def test_array_that_is_no_image(array):
    with pytest.raises(ValueError, match=r'must be BGR, uint8 \[H, W, 3\], got (uint8|float64) \['):
        load_source(array, LoadImageFromFile())


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r'gone\.png'):
        load_source(tmp_path / 'gone.png', LoadImageFromFile())


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
    np.testing.assert_array_equal(load_source(f'{address}/x.png', LoadImageFromFile())['img'], ARRAY)
    with pytest.raises(ValueError, match=r'/y\.png is not a readable image: .*404'):
        load_source(f'{address}/y.png', LoadImageFromFile())


@pytest.mark.parametrize('kind', ['file', 'BGR', 'RGB', 'Pillow'])
def test_loads(tmp_path, kind):
    path, rgb = tmp_path / 'x.png', ARRAY[..., ::-1]
    cv2.imwrite(str(path), ARRAY)
    source = {'file': path, 'BGR': ARRAY, 'RGB': rgb, 'Pillow': Image.fromarray(rgb.copy())}[kind]
    results = load_source(source, LoadImageFromFile(), channels='rgb' if kind == 'RGB' else 'bgr')
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


@pytest.mark.parametrize(('total', 'shown'), [(3, True), (1, True), (3, False)])
def test_tiles_are_counted(terminal, total, shown):
    with counted_tiles(total, shown=shown) as count:
        for _ in range(total):
            count(1)
    assert ('3/3' in terminal.getvalue()) == (total > 1 and shown)


def test_tiles_of_several_images(terminal):
    """Below the bar of the images, or without a bar where rich shows only one."""
    for _ in tracked(['a', 'b'], shown=True):
        with counted_tiles(2, shown=True) as count:
            count(2)
    assert '2/2' in terminal.getvalue()
