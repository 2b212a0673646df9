import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch

from mmoneformer.apis import init_model
from mmoneformer.checkpoints import model_zoo
from mmoneformer.checkpoints.model_zoo import RELEASED, crop_of_file, download, fetch_released

CONTENT = bytes(range(256)) * 40
NAME = 'oneformer_convnext-l_cityscapes'
CONFIGS = Path(__file__).parents[2] / 'configs'


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith('/missing'):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header('Content-Length', str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000] if self.path.startswith('/broken') else CONTENT)

    def log_message(self, *args):
        pass


@pytest.fixture(scope='module')
def server():
    server = HTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    return tmp_path / 'hub' / 'mmoneformer'


def copy(source, target):
    target.write_bytes(source.read_bytes()[::-1])


def refuse(source, target):
    raise AssertionError('it is converted already')


def test_every_name_has_a_config_and_a_file_of_its_own():
    assert all((CONFIGS / f'{name}.py').is_file() for name in RELEASED)
    assert len(set(RELEASED.values())) == len(RELEASED) == 20


@pytest.mark.parametrize(
    ('file', 'crop'),
    [
        ('1280x1280_250_16_swin_l_oneformer_ade20k_160k.pth', 1280),
        ('coco_pretrain_1280x1280_150_16_dinat_l_oneformer_ade20k_160k.pth', 1280),
        ('896x896_250_16_dinat_l_oneformer_ade20k_160k.pth', 896),
        ('250_16_dinat_l_oneformer_ade20k_160k.pth', None),
        ('1280x1280_mine.pth', None),
    ],
)
def test_crop(file, crop):
    assert crop_of_file(file) == crop


def test_download(server, tmp_path):
    download(f'{server}/file', tmp_path / 'new' / 'file.pth')
    assert (tmp_path / 'new' / 'file.pth').read_bytes() == CONTENT


@pytest.mark.parametrize(
    ('path', 'message'),
    [
        ('broken', r'/broken: 1000 of 10240 bytes arrived; try again'),
        ('missing', r'/missing cannot be downloaded .*404.*: put the file at .*file\.pth'),
    ],
)
def test_incomplete_download_leaves_nothing(server, tmp_path, path, message):
    with pytest.raises(ConnectionError, match=message):
        download(f'{server}/{path}', tmp_path / 'file.pth')
    assert list(tmp_path.iterdir()) == []


def test_fetch_once(server, cache, monkeypatch):
    monkeypatch.setattr(model_zoo, 'BASE_URL', server)
    path = fetch_released(NAME, copy)
    assert path == cache / f'{NAME}.pth'
    assert path.read_bytes() == CONTENT[::-1]
    monkeypatch.setattr(model_zoo, 'BASE_URL', f'{server}/missing')
    assert fetch_released(NAME, refuse) == path


def test_without_network(cache, monkeypatch):
    monkeypatch.setattr(model_zoo, 'BASE_URL', 'http://127.0.0.1:9')
    with pytest.raises(ConnectionError, match=r'put the file at .*/mmoneformer/250_16_convnext_l_oneformer_citysc'):
        init_model(checkpoint=NAME)


def test_model_by_its_name(cache, official_weights):
    cache.mkdir(parents=True)
    weights = official_weights('convnext_small')
    torch.save({'model': weights}, cache / Path(RELEASED[NAME]).name)  # put there by hand
    model = init_model(checkpoint=NAME)
    assert torch.equal(model.panoptic_head.query_embed, weights['sem_seg_head.predictor.query_embed.weight'])
    assert (cache / f'{NAME}.pth').is_file()
