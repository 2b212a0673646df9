from mmoneformer.checkpoints import conversion
from mmoneformer_cli.main import main


def test_options(monkeypatch, calls, capsys):
    monkeypatch.setattr(conversion, 'convert', calls.record('ours-abc.pth'))
    words = 'theirs.pth ours.pth --dataset ade20k --publish --cfg-options model.backbone.kernel_size=7'
    assert main(['convert', *words.split()]) == 0
    settings = dict(dataset='ade20k', cfg_options={'model.backbone.kernel_size': 7}, publish=True)
    assert calls == [(('theirs.pth', 'ours.pth'), settings)]
    assert capsys.readouterr().out == 'ours-abc.pth\n'


def test_defaults(monkeypatch, calls):
    monkeypatch.setattr(conversion, 'convert', calls.record('folder'))
    assert main(['convert', 'ours.pth', 'folder']) == 0
    assert calls[0][1] == dict(dataset=None, cfg_options=None, publish=False)
