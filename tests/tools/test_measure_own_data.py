"""The command line at a tiny size; the figures themselves are meaningless here."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.datasets.shapes.classes import CLASSES

ROOT = Path(__file__).parents[2]
SHAPES = tuple(category.name for category in CLASSES['shapes'])


@pytest.fixture
def tool():
    return runpy.run_path(str(ROOT / 'tools/measure_own_data.py'))


def call(tool, out, *options):
    sizes = ['--steps', '8', '--num-train', '4', '--num-val', '2', '--size', '64']
    tool['main']([*sizes, '--out', str(out), *options])


def test_a_mix_and_what_is_fine_tuned_from_it(tool, tmp_path):
    call(tool, tmp_path, '--only', 'mixed')
    figures = json.loads((tmp_path / 'mixed/figures.json').read_text())
    assert set(figures) == {'PQ', 'AP', 'mIoU'}
    assert np.isfinite(list(figures.values())).all()

    start = tmp_path / 'mixed/iter_8.pth'
    call(tool, tmp_path, '--only', 'signs_fine-tuned', '--start', str(start))
    tuned = read_checkpoint(tmp_path / 'signs_fine-tuned/iter_2.pth')  # a quarter of the steps
    assert tuned['meta']['dataset_meta']['classes'] != SHAPES
    key = next(name for name in tuned['state_dict'] if 'pixel_decoder' in name and name.endswith('weight'))
    before = read_checkpoint(start)['state_dict'][key]
    assert torch.allclose(tuned['state_dict'][key], before, atol=4e-3)  # two steps away


def test_what_the_runs_are_taught(tool, tmp_path):
    runs = tool['runs'](None)
    assert 'signs_fine-tuned' not in runs
    tasks = {name: tool['template'](run, tmp_path).tasks for name, run in runs.items()}
    everything = ['panoptic', 'instance', 'semantic']
    assert tasks['instance'] == ['instance']
    assert tasks['semantic'] == ['semantic']
    assert tasks['panoptic'] == tasks['mixed'] == tasks['signs'] == everything


def test_unknown_run(tool, tmp_path, capsys):
    with pytest.raises(SystemExit):
        call(tool, tmp_path, '--only', 'boxes')
    assert "unknown runs ['boxes']: choose from ['panoptic'" in capsys.readouterr().err
