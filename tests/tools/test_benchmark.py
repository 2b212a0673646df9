"""The command line, end to end on tiny work; the parts have tests of their own."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def call(*arguments, timeout=300):
    command = [sys.executable, str(ROOT / 'tools' / 'benchmark.py'), '--quick', '--rounds', '2', '--threads', '1']
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)


@pytest.fixture
def main(monkeypatch):
    """The command line in this process, and what it measures, too."""
    monkeypatch.syspath_prepend(ROOT / 'tools')
    from benchmarking import measures

    monkeypatch.setattr(measures, 'in_fresh_process', lambda function, *arguments, threads: function(*arguments))
    return runpy.run_path(str(ROOT / 'tools' / 'benchmark.py'))['main']


def test_a_comparison_end_to_end(main, tmp_path, capsys):
    main(['--quick', '--rounds', '2', '--only', 'data-coco', '--out', str(tmp_path)])
    (row,) = json.loads((tmp_path / 'benchmark.json').read_text())['rows']
    assert row['name'] == 'data-coco'
    assert row['value'] == pytest.approx(row['ours'] / row['peer'])
    assert len(row['raw']['ours']) == len(row['raw']['peer']) == 2
    printed = capsys.readouterr().out  # mmdet's fork talks, too
    assert printed.strip().endswith((tmp_path / 'benchmark.md').read_text().strip())


def test_unknown_names_list_the_known_ones(main, capsys):
    with pytest.raises(SystemExit, match='2'):
        main(['--only', 'swin-xl'])
    message = capsys.readouterr().err
    assert "unknown comparisons ['swin-xl']" in message
    assert 'swin-l-three-tasks' in message


@pytest.mark.slow
def test_all_comparisons_curves_and_memory(tmp_path):
    pytest.importorskip('transformers')
    done = call('--out', tmp_path, '--curves', '--memory', timeout=1200)  # some hundred processes
    assert done.returncode == 0, done.stderr[-3000:]
    rows = json.loads((tmp_path / 'benchmark.json').read_text())['rows']
    names = {row['name'] for row in rows}
    assert {
        'swin-l',
        'swin-t-training',
        'r50-training',
        'post-processing',
        'start-up',
        'training-memory-swin-l',
    } <= names
    assert all(row['ours'] > 0 for row in rows)
    assert len(json.loads((tmp_path / 'curves.json').read_text())) == 4
    assert (tmp_path / 'curves.png').stat().st_size > 10_000
    assert '![curves.png](curves.png)' in (tmp_path / 'benchmark.md').read_text()
