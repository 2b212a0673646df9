import socket

import pytest

from mmoneformer.web import server
from mmoneformer.web.server import name_models, open_page, serve


def test_models_are_named_by_their_files():
    assert name_models(['a/x.pth', 'b/y.pth']) == {'x': 'a/x.pth', 'y': 'b/y.pth'}


def test_files_of_one_name_are_told_apart():
    assert name_models(['a/last.pth', 'b/last.pth']) == {name: name for name in ('a/last.pth', 'b/last.pth')}


def test_a_page_is_closed_when_it_is_interrupted(known_model, monkeypatch):
    pytest.importorskip('gradio')
    opened = {}

    class Page:
        local_url, closed = 'http://127.0.0.1:1/', False

        def close(self):
            self.closed = True

    def open_page(models, **settings):
        opened.update(settings, models=models, page=Page())
        return opened['page']

    class Interrupted:
        def wait(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(server, 'OneFormerInferencer', lambda **settings: settings['weights'])
    monkeypatch.setattr(server, 'open_page', open_page)
    monkeypatch.setattr(server.signal, 'signal', lambda *_: None)
    monkeypatch.setattr(server.threading, 'Event', Interrupted)
    with pytest.raises(KeyboardInterrupt):
        serve(['x.pth'], host='127.0.0.1', port=1, device='cpu', max_mb=3)
    assert opened['page'].closed
    assert opened['models'] == {'x': 'x.pth'}
    assert (opened['host'], opened['port'], opened['max_mb']) == ('127.0.0.1', 1, 3)


def test_a_port_that_is_taken(known_model, tmp_path):
    pytest.importorskip('gradio')
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f'cannot listen on 127.0.0.1, port {port}: it may be in use'):
            open_page({'known': known_model}, folder=str(tmp_path), host='127.0.0.1', port=port, max_mb=1)


def test_exported_files_choose_their_device(monkeypatch):
    pytest.importorskip('gradio')
    monkeypatch.setattr(server, 'ExportedModel', lambda path: path)
    assert server._open_model('x.onnx', 'auto') == 'x.onnx'
    with pytest.raises(ValueError, match=r'x\.onnx is an exported file, whose runtime chooses the device: leave out'):
        server._open_model('x.onnx', 'cuda:0')
