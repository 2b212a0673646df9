"""The page of ``examples/web`` in a real browser: the small network, its panoptic map and that of a session."""

import functools
import http.server
import shutil
import subprocess
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmoneformer_deploy import Session

pytestmark = pytest.mark.slow  # onnxruntime-web has 130 MB

PAGE = Path(__file__).parents[2] / 'examples/web'
PATIENCE = 60_000  # milliseconds


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope='module')
def url(tmp_path_factory):
    if shutil.which('npm') is None:
        pytest.skip('no npm, which fetches onnxruntime-web')
    folder = tmp_path_factory.mktemp('page') / 'web'
    shutil.copytree(PAGE, folder, ignore=shutil.ignore_patterns('node_modules'))
    subprocess.run(['npm', 'install', '--silent', '--ignore-scripts', '--no-audit'], cwd=folder, check=True)
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/'
        server.shutdown()


@pytest.fixture(scope='module')
def page(browser, url):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    return page


def give(page, field, path):
    """Choose a file in a field, and wait for what the page says."""
    page.set_input_files(f'#{field}', path)
    page.wait_for_selector('#status.done, #status.failed')
    return page.inner_text('#status')


def test_equal_to_a_session(page, onnx_file, tmp_path):
    small = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    photo = Image.fromarray(cv2.resize(small, (301, 203), interpolation=cv2.INTER_CUBIC))
    photo.save(tmp_path / 'photo.png')
    assert give(page, 'model', onnx_file).startswith('model with 4 classes')
    expected = Session(onnx_file)(tmp_path / 'photo.png', ['panoptic'])['panoptic']
    assert give(page, 'image', tmp_path / 'photo.png').startswith(f'{len(expected["segments"])} segments in 301 x 203')
    ids = np.array(page.evaluate('Array.from(window.panoptic.ids)')).reshape(203, 301)
    found = page.evaluate('window.panoptic.segments')
    assert len(found) > 3
    numbers = np.zeros(len(found) + 1, int)  # of a session's segments: those of the page have another order
    for number, segment in enumerate(found, start=1):
        numbers[number] = np.bincount(expected['id_map'][ids == number]).argmax()
        same = expected['segments'][numbers[number] - 1]
        assert segment['label'] == same['label']
        assert segment['score'] == pytest.approx(same['score'], abs=1e-5)
        assert segment['area'] == pytest.approx(same['area'], abs=6)
    assert (numbers[ids] == expected['id_map']).mean() >= 0.9999
    assert page.evaluate("document.querySelectorAll('#segments li').length") == len(found)


def test_a_file_that_is_no_model(page, tmp_path):
    (tmp_path / 'a.onnx').write_bytes(b'no model')
    page.reload()
    give(page, 'model', tmp_path / 'a.onnx')
    assert page.get_attribute('#status', 'class') == 'failed'
