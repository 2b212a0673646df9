from pathlib import Path
from types import SimpleNamespace

import pytest

from mmoneformer.apis import check_dataset
from mmoneformer_cli.main import main


def test_the_status_is_the_worst_finding(monkeypatch, calls, capsys):
    found = {'train': [SimpleNamespace(severity=0), SimpleNamespace(severity=2)], 'val': [SimpleNamespace(severity=1)]}
    monkeypatch.setattr(check_dataset, 'check_dataset', calls.record(found))
    assert main(['check-dataset', 'oneformer_tiny_shapes', '--workers', '3']) == 2
    ((_, options),) = calls
    folder = Path('work_dirs/oneformer_tiny_shapes/check')
    assert options == dict(splits=('train', 'val'), out_dir=folder, workers=3, num_samples=8)
    assert capsys.readouterr().out == f'report: {folder}/index.html\n'


def test_one_split_without_findings(monkeypatch, calls):
    monkeypatch.setattr(check_dataset, 'check_dataset', calls.record({'val': []}))
    words = 'oneformer_tiny_shapes --split val --out-dir here --samples 0 --cfg-options model.type=Mine'
    assert main(['check-dataset', *words.split()]) == 0
    (((cfg,), options),) = calls
    assert cfg.model.type == 'Mine'
    assert (options['splits'], options['out_dir'], options['num_samples']) == (('val',), Path('here'), 0)


def test_a_config_without_data(tmp_path, capsys):
    (tmp_path / 'empty.py').write_text("default_scope = 'mmoneformer'\n")
    with pytest.raises(SystemExit, match='^2$'):
        main(['check-dataset', str(tmp_path / 'empty.py')])
    assert capsys.readouterr().err.startswith('error: ')
