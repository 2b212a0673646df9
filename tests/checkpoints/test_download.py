import hashlib
import json
import re
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import constants

from mmoneformer.checkpoints.download import download, fetch_folder, is_hub_name

CONTENT = bytes(range(256)) * 4000  # more than the buffers of a socket take at once, so that a reset loses some
HALF = len(CONTENT) // 2
NAME = 'someone/small'
REVISION = '0123456789abcdef0123456789abcdef01234567'
OTHER_FILES = ('README.md', 'optimizer.bin', 'flax_model.msgpack')


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT; the folder of the path says how."""

    def do_GET(self):
        self.server.ranges.append(self.headers['Range'])
        start = int(re.fullmatch(r'bytes=(\d+)-', self.headers['Range'])[1])
        kind = self.path.split('/')[1]
        if kind == 'missing' or start >= len(CONTENT):
            self.send_error(404 if kind == 'missing' else 416)
            return
        if kind == 'whole':  # knows no ranges
            self.answer(CONTENT, 200)
        elif kind == 'elsewhere':
            self.answer(CONTENT, 206, f'bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}')
        else:
            self.answer(CONTENT[start:], 206, f'bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}', kind)

    def answer(self, body, status, content_range=None, kind='sound'):
        self.send_response(status)
        if content_range:
            self.send_header('Content-Range', content_range)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        first_of_two = kind != 'sound' and len(self.server.ranges) == 1
        self.wfile.write(body[:HALF] if first_of_two else body)
        if first_of_two and kind == 'reset':
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            self.connection.close()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.ranges = []
    server.handle_error = lambda *_: None  # of clients that hang up
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    server.url = f'http://127.0.0.1:{server.server_port}'
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_new_folder(server, tmp_path):
    download(f'{server.url}/sound/x', tmp_path / 'new' / 'file.pth')
    assert (tmp_path / 'new' / 'file.pth').read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['file.pth']


@pytest.mark.parametrize(
    ('kind', 'message'),
    [
        ('short', rf'/short/x: received {HALF} of {len(CONTENT)} bytes; try again to resume'),
        ('reset', r'/reset/x cannot be downloaded \(.*reset.*\): try again, or save the file as .*file\.pth'),
    ],
)
def test_goes_on_where_the_connection_broke(server, tmp_path, kind, message):
    target, part = tmp_path / 'file.pth', tmp_path / '.file.part.pth'
    with pytest.raises(ConnectionError, match=message):
        download(f'{server.url}/{kind}/x', target)
    assert not target.exists()
    present = part.stat().st_size if part.exists() else 0  # a reset may take back what was on its way
    download(f'{server.url}/{kind}/x', target)
    assert server.ranges == ['bytes=0-', f'bytes={present}-']
    assert present == HALF or kind == 'reset'
    assert target.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [target]


def test_server_without_ranges_sends_all_again(server, tmp_path):
    (tmp_path / '.file.part.pth').write_bytes(CONTENT[:1000])
    download(f'{server.url}/whole/x', tmp_path / 'file.pth')
    assert server.ranges == ['bytes=1000-']
    assert (tmp_path / 'file.pth').read_bytes() == CONTENT


def test_other_bytes_than_requested_are_not_appended(server, tmp_path):
    part = tmp_path / '.file.part.pth'
    part.write_bytes(CONTENT[:1000])
    with pytest.raises(ConnectionError, match=r"requested the bytes from 1000, received 'bytes 0-1023999/1024000'"):
        download(f'{server.url}/elsewhere/x', tmp_path / 'file.pth')
    assert part.read_bytes() == CONTENT[:1000]


def test_partial_file_that_is_too_long_is_none(server, tmp_path):
    (tmp_path / '.file.part.pth').write_bytes(CONTENT + b'more')
    download(f'{server.url}/sound/x', tmp_path / 'file.pth')
    assert server.ranges == [f'bytes={len(CONTENT) + 4}-', 'bytes=0-']
    assert (tmp_path / 'file.pth').read_bytes() == CONTENT


def test_missing_file_leaves_nothing(server, tmp_path):
    with pytest.raises(ConnectionError, match=r'/missing/x cannot be downloaded .*404.*save the file as .*file\.pth'):
        download(f'{server.url}/missing/x', tmp_path / 'file.pth')
    assert list(tmp_path.iterdir()) == []


def test_no_server(tmp_path):
    with pytest.raises(ConnectionError, match=r'127\.0\.0\.1:9/x cannot be downloaded .*refused'):
        download('http://127.0.0.1:9/x', tmp_path / 'file.pth')


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
