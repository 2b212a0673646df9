import re
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mmoneformer.checkpoints.download import download

CONTENT = bytes(range(256)) * 4000  # more than the buffers of a socket take at once, so that a reset loses some
HALF = len(CONTENT) // 2


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
