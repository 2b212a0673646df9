import sys

import mmoneformer.apis.export  # noqa: F401
from mmoneformer_cli.main import main

MODULE = sys.modules['mmoneformer.apis.export']


def test_options(monkeypatch, calls, capsys):
    monkeypatch.setattr(MODULE, 'export', calls.record('mine.xml'))
    words = (
        'mine.pth mine.xml --config mine.py --format openvino --opset 17 --sampling gather --int8 photos --no-verify'
    )
    assert main(['export', *words.split()]) == 0
    settings = dict(
        config='mine.py', format='openvino', opset=17, sampling='gather', half=False, int8='photos', verify=False
    )
    assert calls == [(('mine.pth', 'mine.xml'), settings)]
    assert capsys.readouterr().out == 'mine.xml\n'


def test_defaults(monkeypatch, calls):
    monkeypatch.setattr(MODULE, 'export', calls.record('mine.onnx'))
    assert main(['export', 'mine.pth', 'mine.onnx']) == 0
    settings = dict(config=None, format=None, opset=None, sampling='grid', half=False, int8=None, verify=True)
    assert calls[0][1] == settings
