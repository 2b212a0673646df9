import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch

from mmoneformer.apis import init_model
from mmoneformer.checkpoints import model_zoo
from mmoneformer.checkpoints.conversion import convert
from mmoneformer.checkpoints.model_zoo import fetch, is_remote, released_name, released_urls

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
        self.wfile.write(CONTENT)

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


def download_from(monkeypatch, address):
    """Let the file of ``NAME`` be on another server."""
    file = Path(released_urls()[NAME]).name
    monkeypatch.setattr(model_zoo, 'released_urls', lambda: {NAME: f'{address}/{file}'})


def copy(source, target):
    target.write_bytes(source.read_bytes()[::-1])


def refuse(source, target):
    raise AssertionError('it is converted already')


def test_every_name_has_a_config_and_a_file_of_its_own():
    assert all((CONFIGS / f'{name}.py').is_file() for name in released_urls())
    assert len(set(released_urls().values())) == len(released_urls()) == 20


@pytest.mark.parametrize(
    ('file', 'name'),
    [
        ('1280x1280_250_16_swin_l_oneformer_ade20k_160k.pth', 'oneformer_swin-l_ade20k_1280'),
        ('250_16_dinat_l_oneformer_ade20k_160k.pth', 'oneformer_dinat-l_ade20k'),
        ('1280x1280_mine.pth', None),
    ],
)
def test_released_name(file, name):
    assert released_name(file) == name


def test_another_file_than_the_first_is_an_error(server, cache, monkeypatch):
    download_from(monkeypatch, server)
    fetch(NAME, copy).unlink()
    file = cache / Path(released_urls()[NAME]).name
    file.write_bytes(CONTENT[1:])
    with pytest.raises(ValueError, match=f'{file.name}, downloaded from {server}/.* has the SHA-256'):
        fetch(NAME, copy)
    file.unlink()
    assert fetch(NAME, copy).read_bytes() == CONTENT[::-1]


def test_a_sha256_of_the_metafile_must_be_that_of_the_file(server, cache, monkeypatch):
    download_from(monkeypatch, server)
    monkeypatch.setitem(model_zoo._metafile()[NAME], 'SHA256', '0' * 64)
    with pytest.raises(ValueError, match=f'instead of {"0" * 64}'):
        fetch(NAME, copy)


def test_fetch_once(server, cache, monkeypatch):
    download_from(monkeypatch, server)
    path = fetch(NAME, copy)
    assert path == cache / f'{NAME}.pth'
    assert path.read_bytes() == CONTENT[::-1]
    download_from(monkeypatch, f'{server}/missing')
    assert fetch(NAME, refuse) == path


def test_two_that_need_a_model_make_it_once(server, cache, monkeypatch):
    download_from(monkeypatch, server)
    made = []

    def convert_slowly(source, target):
        time.sleep(0.1)
        made.append(target)
        copy(source, target)

    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda _: fetch(NAME, convert_slowly), range(2)))
    assert paths == [cache / f'{NAME}.pth'] * 2
    assert len(made) == 1


def test_what_is_remote():
    assert is_remote(NAME)
    assert is_remote('hf://shi-labs/oneformer_coco_swin_large')
    assert not any(is_remote(source) for source in ('model.pth', Path(NAME), None))


def test_without_network(cache, monkeypatch):
    download_from(monkeypatch, 'http://127.0.0.1:9')
    with pytest.raises(ConnectionError, match=r'save the file as .*/mmoneformer/250_16_convnext_l_oneformer_citysc'):
        init_model(checkpoint=NAME)


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Puts a revision of a folder into the hub's cache, as its current one; there is no network."""
    constants = pytest.importorskip('huggingface_hub.constants')
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'hub_cache'))
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)

    def publish(revision):
        repository = tmp_path / 'hub_cache' / 'models--someone--model'
        (repository / 'refs').mkdir(parents=True, exist_ok=True)
        (repository / 'refs' / 'main').write_text(revision)
        return repository / 'snapshots' / revision

    return publish


def test_hub_folder_is_converted_once_per_revision(cache, publish):
    def convert_names(source, target):
        target.write_text(source.name)

    for revision in ('01234567' * 5, '89abcdef' * 5):
        folder = publish(revision)
        folder.mkdir(parents=True)
        (folder / 'model.safetensors').touch()
        path = fetch('hf://someone/model', convert_names)
        assert path == cache / f'someone--model-{revision[:8]}.pth'
        assert path.read_text() == revision
        assert fetch('hf://someone/model', refuse) == path


def test_model_of_the_hub(cache, publish, official_weights, tmp_path):
    weights = official_weights('convnext_small')
    torch.save({'model': weights}, tmp_path / 'official.pth')
    convert(tmp_path / 'official.pth', publish('01234567' * 5))
    model = init_model(checkpoint='hf://someone/model', device='cpu')
    assert torch.equal(model.panoptic_head.query_embed, weights['sem_seg_head.predictor.query_embed.weight'])
    convert('hf://someone/model', tmp_path / 'ours.pth')
    converted = torch.load(tmp_path / 'ours.pth', weights_only=True)['state_dict']
    assert all(torch.equal(tensor, converted[key]) for key, tensor in model.state_dict().items())


def test_model_by_its_name(cache, official_weights):
    cache.mkdir(parents=True)
    weights = official_weights('convnext_small')
    torch.save({'model': weights}, cache / Path(released_urls()[NAME]).name)  # put there by hand
    model = init_model(checkpoint=NAME, device='cpu')
    assert torch.equal(model.panoptic_head.query_embed, weights['sem_seg_head.predictor.query_embed.weight'])
    assert (cache / f'{NAME}.pth').is_file()
