"""The command lines, as a user calls them, with one and with two processes."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.datasets.shapes.folder import write_shapes

ROOT = Path(__file__).parents[2]
CONFIG = 'configs/oneformer_tiny_shapes.py'


def call(*arguments: str) -> str:
    environment = os.environ | {'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1', 'PORT': '29617'}
    done = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope='module')
def settings(tmp_path_factory):
    """Settings of tiny runs; three validation images, which two processes cannot share evenly."""
    root = tmp_path_factory.mktemp('data') / 'shapes'
    write_shapes(root, num_train=4, num_val=3, size=64, seed=0)
    return [
        '--cfg-options',
        *(f'{split}_dataloader.dataset.data_root={root}' for split in ('train', 'val', 'test')),
        *(f'{split}_dataloader.num_workers=0' for split in ('train', 'val', 'test')),
        *(f'{split}_dataloader.persistent_workers=False' for split in ('train', 'val', 'test')),
        'train_dataloader.batch_size=2',
        'train_cfg.max_iters=1',
        'train_cfg.val_interval=5',
        'model.test_cfg.object_mask_thr=0.0',
        'model.test_cfg.overlap_thr=0.0',
    ]


def metrics_of(output: str) -> dict[str, float]:
    line = next(line for line in output.splitlines() if 'Iter(test)' in line and 'PQ:' in line)
    return {name: float(value) for name, value in re.findall(r'(\w+): ([-\d.]+|nan)', line) if name != 'eta'}


def sure_of_stuff(path: Path) -> str:
    """Make a hardly trained model call everything sky: then some metrics are not zero."""
    checkpoint = read_checkpoint(path)
    sky = checkpoint['meta']['dataset_meta']['classes'].index('sky')
    checkpoint['state_dict']['panoptic_head.prediction.classify.bias'][sky] += 20
    torch.save(checkpoint, path)
    return str(path)


def test_one_process_trains_and_measures(settings, tmp_path, monkeypatch):
    """In this process."""
    monkeypatch.chdir(ROOT)
    train, test = (runpy.run_path(f'tools/{name}.py')['main'] for name in ('train', 'test'))
    assert not train([CONFIG, '--work-dir', str(tmp_path), *settings])
    checkpoint = sure_of_stuff(tmp_path / 'iter_1.pth')
    assert not test([CONFIG, checkpoint, '--work-dir', str(tmp_path / 'one'), *settings])
    (log,) = (tmp_path / 'one').glob('*/*.log')
    assert metrics_of(log.read_text())['mIoU'] > 0


@pytest.mark.slow
def test_one_process_and_two_give_the_same_metrics(settings, tmp_path):
    call(sys.executable, 'tools/train.py', CONFIG, '--work-dir', str(tmp_path), *settings)
    checkpoint = sure_of_stuff(tmp_path / 'iter_1.pth')
    alone = call(sys.executable, 'tools/test.py', CONFIG, checkpoint, '--work-dir', str(tmp_path / 'one'), *settings)
    together = call(
        'bash', 'tools/dist_test.sh', CONFIG, checkpoint, '2', '--work-dir', str(tmp_path / 'two'), *settings
    )
    one, two = metrics_of(alone), metrics_of(together)
    for name in ('PQ', 'SQ', 'RQ', 'AP', 'mIoU'):
        assert one[name] == pytest.approx(two[name], abs=1e-4, nan_ok=True)
    assert one['mIoU'] > 0


@pytest.mark.slow
def test_two_processes_train(settings, tmp_path):
    call('bash', 'tools/dist_train.sh', CONFIG, '2', '--work-dir', str(tmp_path), *settings)
    assert (tmp_path / 'iter_1.pth').exists()
