import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mmoneformer.checkpoints.hugging_face_hub import fetch_folder, is_hub_name

constants = pytest.importorskip('huggingface_hub.constants')
NAME = 'someone/small'
REVISION = '0123456789abcdef0123456789abcdef01234567'
OTHER_FILES = ('README.md', 'optimizer.bin', 'flax_model.msgpack')


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does, about one repository."""

    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        files, path = self.server.files, self.path.split('?')[0]
        if path == f'/api/models/{NAME}/revision/main':
            self.answer(json.dumps({'id': NAME, 'sha': REVISION, 'siblings': [{'rfilename': name} for name in files]}))
        elif path == f'/api/models/{NAME}/tree/{REVISION}':
            self.answer(json.dumps([entry(*file) for file in files.items()]))
        elif path.startswith(f'/{NAME}/resolve/{REVISION}/') and path.split('/')[-1] in files:
            self.answer(files[path.split('/')[-1]])
        else:
            self.answer('{"error": "Repository not found"}', 404)

    do_HEAD = do_GET

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.send_header('ETag', f'"{hashlib.sha1(body.encode()).hexdigest()}"')
        self.send_header('X-Repo-Commit', REVISION)
        if status == 404:
            self.send_header('X-Error-Code', 'RepoNotFound')
        self.end_headers()
        if self.command == 'GET':
            self.wfile.write(body.encode())
            self.server.sent.append(self.path.split('/')[-1])

    def log_message(self, *args):
        pass


def entry(name, content):
    return {'type': 'file', 'path': name, 'size': len(content), 'oid': hashlib.sha1(content.encode()).hexdigest()}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    server = ThreadingHTTPServer(('127.0.0.1', 0), Hub)
    server.daemon_threads = True
    server.files, server.sent = {}, []
    threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01}).start()
    url = f'http://127.0.0.1:{server.server_port}'
    monkeypatch.setattr(constants, 'ENDPOINT', url)
    monkeypatch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE', url + '/{repo_id}/resolve/{revision}/{filename}')
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'hub'))
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize('weights', ['model.safetensors', 'pytorch_model.bin'])
def test_json_files_and_weights_alone(hub, weights):
    wanted = {'config.json': '{}', 'ade20k_panoptic.json': '{"0": {}}', weights: 'numbers'}
    hub.files = wanted | dict.fromkeys(OTHER_FILES, 'x')
    folder = fetch_folder(f'hf://{NAME}')
    assert folder.name == REVISION
    assert {path.name: path.read_text() for path in folder.iterdir()} == wanted


def test_safetensors_make_a_pytorch_file_needless(hub):
    hub.files = {'config.json': '{}', 'model.safetensors': 'x', 'pytorch_model.bin': 'y'}
    folder = fetch_folder(f'hf://{NAME}')
    assert {path.name for path in folder.iterdir()} == {'config.json', 'model.safetensors'}


def test_what_is_in_the_cache_needs_no_network(hub, monkeypatch):
    hub.files = {'config.json': '{}', 'model.safetensors': 'x'}
    folder = fetch_folder(f'hf://{NAME}')
    sent = len(hub.sent)
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    assert fetch_folder(f'hf://{NAME}') == folder
    assert len(hub.sent) == sent


def test_no_such_repository(hub):
    with pytest.raises(
        ConnectionError, match='^hf://someone/else cannot be downloaded from the Hugging Face hub: .*'
    ) as error:
        fetch_folder('hf://someone/else')
    assert '\n' not in str(error.value)


def test_no_network(hub, monkeypatch):
    monkeypatch.setattr(constants, 'ENDPOINT', 'http://127.0.0.1:9')
    with pytest.raises(
        ConnectionError, match='^hf://someone/small cannot be downloaded from the Hugging Face hub: .*refused'
    ):
        fetch_folder(f'hf://{NAME}')


def test_no_name_of_a_repository(hub):
    with pytest.raises(ValueError, match='a/b/c'):
        fetch_folder('hf://a/b/c')


def test_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    with pytest.raises(ImportError, match=r'^hf://someone/small needs huggingface_hub: pip install huggingface_hub$'):
        fetch_folder(f'hf://{NAME}')


@pytest.mark.parametrize(('source', 'is_one'), [(f'hf://{NAME}', True), ('someone/small', False), (None, False)])
def test_is_hub_name(source, is_one):
    assert is_hub_name(source) is is_one
