"""Two processes with a sharded model train like one process with the complete model."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.engine.strategies.fully_sharded import FullyShardedStrategy
from mmoneformer.registry import MODELS

ROOT = Path(__file__).parents[3]
DATA = ROOT / 'tests' / 'data'
SHAPES = ROOT / 'configs' / 'oneformer_tiny_shapes.py'


def test_one_process_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r'start them with tools/dist_train\.sh'):
        FullyShardedStrategy(work_dir=str(tmp_path), env_kwargs=dict(launcher='none'))


def train(*arguments: str) -> None:
    environment = os.environ | {
        'CUDA_VISIBLE_DEVICES': '',
        'PYTHON': sys.executable,
        'OMP_NUM_THREADS': '1',
        'PORT': '29631',
        'PYTHONPATH': os.pathsep.join((str(ROOT), str(DATA))),
    }
    done = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.slow
def test_training_resumed_halfway_equals_one_process(tmp_path):
    write_shapes(tmp_path / 'shapes', num_train=4, num_val=1, size=64, seed=0)
    config = str(DATA / 'shared_batch.py')
    start = tmp_path / 'start.pth'  # mmengine's two runners draw different weights
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(SHAPES).model).state_dict(), meta={}), start)
    options = [
        '--cfg-options',
        f'train_dataloader.dataset.data_root={tmp_path / "shapes"}',
        f'load_from={start}',
        'model.panoptic_head.num_queries=26',  # fewer than stored: FineTuningHook works with FSDP, too
        'env_cfg.dist_cfg.backend=gloo',
    ]
    train(sys.executable, 'tools/train.py', config, '--work-dir', str(tmp_path / 'one'), *options)
    options += [
        'train_dataloader.batch_size=2',
        'runner_type=FlexibleRunner',
        'strategy.type=mmoneformer.FullyShardedStrategy',
        'optim_wrapper.type=FullyShardedOptimWrapper',
    ]
    shared = ('bash', 'tools/dist_train.sh', config, '2', '--work-dir', str(tmp_path / 'two'))
    train(*shared, *options, 'train_cfg.max_iters=1')
    train(*shared, '--resume', *options)
    expected = read_checkpoint(tmp_path / 'one' / 'iter_2.pth')
    found = read_checkpoint(tmp_path / 'two' / 'iter_2.pth')
    assert found['meta']['dataset_meta'] == expected['meta']['dataset_meta']
    assert list(found['state_dict']) == list(expected['state_dict'])
    for key, weight in expected['state_dict'].items():
        torch.testing.assert_close(
            found['state_dict'][key], weight, rtol=0, atol=1e-6, msg=lambda text, key=key: f'{key}: {text}'
        )
