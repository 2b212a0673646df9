"""The command line; the parts have tests of their own."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'
sys.path.append(str(TOOLS))


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('benchmark_gpu', TOOLS / 'benchmark_gpu.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_message_is_written_at_once(tool, monkeypatch, tmp_path, capsys):
    from benchmarking.gpu.figures import OURS, Failure, Figure, Work

    work = Work(network='R50', what='forward', precision='tf32', batch=1)
    report = tmp_path / 'benchmark-gpu.json'

    def run_stage(parts, settings, deadline):
        assert (settings.device, settings.quick, settings.rounds) == ('cpu', True, 8)
        yield Figure(work=work, implementation=OURS, runs=[0.01])
        assert len(json.loads(report.read_text())['figures']) == 1
        yield Figure(work=work, implementation='peer', runs=[0.02])
        yield Failure('other', 'no reason')

    monkeypatch.setattr(tool, 'run_stage', run_stage)
    tool.main(['--only', 'r50', '--device', 'cpu', '--quick', '--out', str(tmp_path)])
    content = json.loads(report.read_text())
    assert content['ratios'][0]['ratio'] == 0.5
    assert list(content['stage_seconds']) == ['r50']
    assert content['plots'] == ['benchmark-gpu.png']
    said = capsys.readouterr().out
    assert 'R50: forward, tf32, batch 1, peer: 20.00 ms' in said
    assert 'not measured: other: no reason' in said
    assert '2 figures, 1 failures' in said


def test_without_a_gpu_it_says_what_works(tool, monkeypatch, capsys):
    monkeypatch.setattr(tool.torch.cuda, 'is_available', lambda: False)
    with pytest.raises(SystemExit):
        tool.main([])
    assert 'torch finds no GPU; `--device cpu --quick` checks' in capsys.readouterr().err


def test_unknown_parts_are_refused(tool, capsys):
    with pytest.raises(SystemExit):
        tool.main(['--only', 'swin-xl'])
    assert "'compiled'" in capsys.readouterr().err
