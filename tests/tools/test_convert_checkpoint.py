import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def official(tmp_path_factory):
    arrays = np.load(ROOT / 'tests' / 'data' / 'dinat_small_weights.npz')
    prefix = 'state_dict/'
    weights = {key[len(prefix) :]: torch.from_numpy(arrays[key]).float() for key in arrays if key.startswith(prefix)}
    path = tmp_path_factory.mktemp('official') / 'official.pth'
    torch.save({'model': weights}, path)
    return path


def run(tool, *arguments):
    main = runpy.run_path(str(ROOT / 'tools' / f'{tool}.py'))['main']
    main([str(argument) for argument in arguments])


def test_the_demo_runs_on_what_was_converted(official, tmp_path, capsys):
    ours = tmp_path / 'ours.pth'
    options = ['model.backbone.dilations=[[1,4],[1,2],[1,2],[1]]', 'test_pipeline.1.scale=(128,96)']
    run('convert_checkpoint', official, ours, '--cfg-options', *options)
    assert capsys.readouterr().out == f'{ours}\n'
    cv2.imwrite(str(tmp_path / 'image.png'), np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8))
    run('image_demo', tmp_path / 'image.png', '--weights', ours, '--tasks', 'panoptic', '--out-dir', tmp_path / 'out')
    results = json.loads((tmp_path / 'out' / 'image.json').read_text())
    assert 'panoptic' in results


def test_errors_are_one_line(official, tmp_path):
    with pytest.raises(SystemExit, match=r'^error: weights do not define the dilations of a DiNAT.*--cfg-options'):
        run('convert_checkpoint', official, tmp_path / 'ours.pth')
    with pytest.raises(SystemExit, match='^error: .*missing.pth'):
        run('convert_checkpoint', tmp_path / 'missing.pth', tmp_path / 'ours.pth')


@pytest.mark.parametrize(
    'arguments', [('convert_checkpoint', 'hf://a/b', 'ours.pth'), ('image_demo', 'image.png', '--weights', 'hf://a/b')]
)
def test_names_of_the_hub_need_its_package(arguments, monkeypatch):
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    with pytest.raises(SystemExit, match='^error: hf://a/b needs huggingface_hub: pip install huggingface_hub$'):
        run(*arguments)
