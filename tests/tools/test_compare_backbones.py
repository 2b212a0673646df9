import json
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import compare_backbones

    yield compare_backbones
    sys.modules.pop('compare_backbones')


def test_size_and_speed(tool, tmp_path, capsys):
    tool.main(['demo', '--size', '64', '96', '--repeats', '1', '--out', str(tmp_path)])
    rows = json.loads((tmp_path / 'backbones.json').read_text())
    assert [row['layers'] for row in rows] == [3, 2, 1]
    assert all(before['multiply-adds'] > after['multiply-adds'] for before, after in zip(rows, rows[1:], strict=False))
    assert len({row['parameters'] for row in rows}) == 1
    assert 'multiply-adds' in capsys.readouterr().out


def test_unknown_names(tool, capsys):
    with pytest.raises(SystemExit):
        tool.main(['resnet1'])
    assert "unknown backbones ['resnet1']: choose from ['demo'" in capsys.readouterr().err


@pytest.mark.slow
def test_training(tool, tmp_path):
    sizes = ['--num-train', '4', '--num-val', '2', '--size', '64', '64', '--repeats', '1']
    tool.main(['mobilenetv4_conv_small', '--steps', '2', *sizes, '--out', str(tmp_path)])
    rows = json.loads((tmp_path / 'backbones.json').read_text())
    assert all(0 <= row[figure] <= 100 for row in rows for figure in ('PQ', 'AP', 'mIoU'))
