"""The command line, end to end on tiny work; the parts have tests of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def call(*arguments, timeout=300):
    command = [sys.executable, str(ROOT / 'tools' / 'benchmark.py'), '--quick', '--rounds', '2', '--threads', '1']
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)


def test_a_comparison_end_to_end(tmp_path):
    done = call('--only', 'data-coco', '--out', tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    (row,) = json.loads((tmp_path / 'benchmark.json').read_text())['rows']
    assert row['name'] == 'data-coco'
    assert row['value'] == pytest.approx(row['ours'] / row['peer'])
    assert len(row['raw']['ours']) == len(row['raw']['peer']) == 2
    assert done.stdout.strip().endswith((tmp_path / 'benchmark.md').read_text().strip())  # mmdet's fork talks, too


def test_unknown_names_list_the_known_ones(tmp_path):
    done = call('--only', 'swin-xl', '--out', tmp_path)
    assert done.returncode == 2
    assert "unknown comparisons ['swin-xl']" in done.stderr
    assert 'swin-l-three-tasks' in done.stderr


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
