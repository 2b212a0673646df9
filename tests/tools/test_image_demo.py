import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmoneformer.registry import MODELS

ROOT = Path(__file__).parents[2]
TINY_CONFIG = ROOT / 'tests/data/tiny_oneformer.py'


@pytest.fixture(scope='module')
def main():
    return runpy.run_path(str(ROOT / 'tools/image_demo.py'))['main']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A checkpoint, with and without its config, and a folder of two pictures."""
    folder = tmp_path_factory.mktemp('image_demo')
    config = Config.fromfile(TINY_CONFIG)
    weights = {'state_dict': MODELS.build(dict(config.model, _scope_='mmoneformer')).state_dict()}
    torch.save(weights, folder / 'bare.pth')
    torch.save(weights | {'meta': {'cfg': config.pretty_text}}, folder / 'x.pth')
    (folder / 'pictures').mkdir()
    for name in ('a', 'b'):
        cv2.imwrite(str(folder / f'pictures/{name}.png'), np.full((40, 60, 3), 100, np.uint8))
    return folder


def names(path):
    return sorted(file.name for file in path.iterdir())


def test_folder(main, folder, tmp_path, capsys):
    main([str(folder / 'pictures'), '--weights', str(folder / 'x.pth'), '--out-dir', str(tmp_path)])
    of_each = [name + ending for name in 'ab' for ending in ('.png', '.json', '_panoptic.png', '_semantic.png')]
    assert names(tmp_path) == sorted([*of_each, 'instances.json', 'panoptic.json'])
    assert capsys.readouterr().out.strip().endswith(f'2 images: {tmp_path}')


def test_files_and_options(main, folder, tmp_path):
    files = [str(folder / f'pictures/{name}.png') for name in 'ba']
    weights = ['--weights', str(folder / 'bare.pth'), '--config', str(TINY_CONFIG)]
    main([*files, *weights, '--tasks', 'instance', '--device', 'cpu', '--out-dir', str(tmp_path)])
    assert names(tmp_path) == ['a.json', 'a.png', 'b.json', 'b.png', 'instances.json']


@pytest.mark.parametrize(
    ('picture', 'weights', 'message'),
    [
        ('pictures/c.png', 'x.pth', 'error: no such file or folder: .*c.png'),
        ('pictures/a.png', 'bare.pth', 'error: .*bare.pth contains no config'),
        ('pictures/a.png', 'y.pth', 'error: .*y.pth is not a file, nor the name of a released model.*'),
        ('x.pth', 'x.pth', 'error: .*x.pth is not a readable image'),
    ],
)
def test_errors_are_a_line_and_a_status(main, folder, tmp_path, picture, weights, message):
    with pytest.raises(SystemExit, match=message) as error:
        main([str(folder / picture), '--weights', str(folder / weights), '--out-dir', str(tmp_path)])
    assert '\n' not in str(error.value.code)


def test_a_broken_picture_can_be_left_out(main, folder, tmp_path, capsys):
    pictures = [str(folder / 'pictures/*.png'), str(folder / 'x.pth')]
    options = ['--on-error', 'skip', '--batch-size', '2', '--precision', 'bfloat16', '--out-dir', str(tmp_path)]
    main([*pictures, '--weights', str(folder / 'x.pth'), *options])
    assert capsys.readouterr().out.strip().endswith(f'2 images, 1 skipped: {tmp_path}')


def test_unknown_task(main, folder, capsys):
    with pytest.raises(SystemExit) as error:
        main(['x.png', '--weights', 'x.pth', '--tasks', 'depth'])
    assert error.value.code == 2
    assert "invalid choice: 'depth'" in capsys.readouterr().err
