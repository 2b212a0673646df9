from mmoneformer.checkpoints import conversion
from mmoneformer_cli.main import main


def test_options(monkeypatch, calls, capsys):
    monkeypatch.setattr(conversion, 'convert', calls.record('ours-abc.pth'))
    words = '--classes names.txt --things things.json theirs.pth ours.pth --dataset ade20k --publish --small '
    words += '--cfg-options model.backbone.kernel_size=7'
    assert main(['convert', *words.split()]) == 0
    names = dict(classes='names.txt', things='things.json')
    settings = dict(dataset='ade20k', **names, cfg_options={'model.backbone.kernel_size': 7}, publish=True, small=True)
    assert calls == [(('theirs.pth', 'ours.pth'), settings)]
    assert capsys.readouterr().out == 'ours-abc.pth\n'


def test_defaults(monkeypatch, calls):
    monkeypatch.setattr(conversion, 'convert', calls.record('folder'))
    assert main(['convert', 'ours.pth', 'folder']) == 0
    assert calls[0][1] == dict(dataset=None, classes=None, things=None, cfg_options=None, publish=False, small=False)
