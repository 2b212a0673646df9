import json
import sys
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import compare_training

    yield compare_training
    sys.modules.pop('compare_training')


def options_of(tool, folder):
    from argparse import Namespace

    return Namespace(out=folder, steps=2, oneformer_steps=None, seed=0)


def test_only_network_and_losses_differ(tool, tmp_path):
    from mmoneformer.models import OneFormer

    options = options_of(tool, tmp_path)
    ours, theirs = tool.read_config(options, 'oneformer', 2), tool.config_of_separate(options, 'instance')
    same = set(ours) - {'work_dir', 'model', 'val_evaluator', 'test_evaluator', 'default_hooks', 'train_dataloader'}
    assert all(ours[key] == theirs[key] for key in same)
    assert ours.model.backbone == theirs.model.backbone
    assert [metric.type for metric in theirs.test_evaluator] == ['ThingInstanceAP']
    with DefaultScope.overwrite_default_scope('mmoneformer'):
        model = OneFormer(**{key: value for key, value in theirs.model.items() if key != 'type'})
    assert type(model.panoptic_head.head).__module__.startswith('mmdet.')
    classes, masks = model(torch.rand(1, 3, 64, 96), mode='tensor', tasks=('instance',))['instance']
    assert classes.shape == (1, 30, 10)
    assert masks.shape == (1, 30, 16, 24)
    assert sum('transformer_decoder.layers' in name and 'ffn' in name for name, _ in model.named_parameters()) == 12


@pytest.mark.slow
def test_trains_one_and_three(tool, tmp_path, capsys):
    tool.main(['--steps', '2', '--oneformer-steps', '3', '--num-train', '4', '--num-val', '2', '--out', str(tmp_path)])
    report = json.loads((tmp_path / 'training.json').read_text())
    assert set(report['metrics']) == {'PQ', 'AP', 'mIoU'}
    assert len(report['seconds']) == 4
    assert report['steps'] == {'oneformer': 3, 'mask2former': 2}
    assert '3 x 2' in capsys.readouterr().out


def test_the_table_names_the_steps_of_both(tool, capsys):
    from rich.console import Console

    metrics = {'PQ': {'oneformer': 80.75, 'mask2former': 78.5}}
    seconds = {'oneformer': 9.0, 'mask2former_a': 3.0, 'mask2former_b': 4.0}
    steps = {'oneformer': 24, 'mask2former': 8}
    Console(width=120).print(tool.table_of({'steps': steps, 'seconds': seconds, 'metrics': metrics}))
    rows = [[cell.strip() for cell in row.split('│')[1:-1]] for row in capsys.readouterr().out.splitlines()]
    assert ['PQ', '80.8', '78.5'] in rows
    assert ['training steps', '24', '2 x 8'] in rows
    assert ['CPU seconds of training', '9', '7'] in rows
