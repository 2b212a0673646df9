from types import SimpleNamespace

import pytest

import mmoneformer_deploy
from mmoneformer import apis
from mmoneformer_cli.main import main


@pytest.fixture
def predict(monkeypatch, calls):
    """Runs the command; the calls are that of the inferencer and that of its ``save``."""

    def run(*words, failures=()):
        inferencer = SimpleNamespace(save=calls.record((2, failures)))
        monkeypatch.setattr(apis, 'OneFormerInferencer', calls.record(inferencer))
        assert main(['predict', *words]) == 0
        return calls

    return run


def test_defaults(predict, capsys):
    (_, ((inputs, out_dir), options)) = predict('a.jpg', 'b.jpg', '--weights', 'x.pth')
    assert (inputs, out_dir) == (['a.jpg', 'b.jpg'], 'work_dirs/image_demo')
    assert options == dict(tasks=['panoptic', 'instance', 'semantic'], batch_size=1, on_error='stop', track=False)
    assert capsys.readouterr().out == '2 images: work_dirs/image_demo\n'


def test_options(predict, capsys):
    words = '--weights x.pth --config c.py --device cuda:1 --precision float16 --tasks semantic --batch-size 4'
    made, (_, options) = predict(
        'a', *words.split(), '--on-error', 'skip', '--out-dir', 'here', '--track', failures=['b.jpg']
    )
    assert made == (('c.py', 'x.pth', 'cuda:1'), dict(precision='float16'))
    assert options == dict(tasks=['semantic'], batch_size=4, on_error='skip', track=True)
    assert capsys.readouterr().out == '2 images, 1 skipped: here\n'


def test_an_exported_file(monkeypatch, calls, capsys):
    monkeypatch.setattr(mmoneformer_deploy, 'Session', calls.record(SimpleNamespace(save=calls.record((1, [])))))
    assert main(['predict', 'a.jpg', '--weights', 'x.onnx', '--tasks', 'semantic', '--out-dir', 'here']) == 0
    assert calls == [(('x.onnx',), {}), ((['a.jpg'], 'here'), dict(tasks=['semantic'], on_error='stop'))]
    assert capsys.readouterr().out == '1 images: here\n'


def test_options_that_do_not_apply_to_an_exported_file(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(['predict', 'a.jpg', '--weights', 'x.xml', '--precision', 'float16', '--batch-size', '4'])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith('error: --precision, --batch-size: x.xml is an exported file')
