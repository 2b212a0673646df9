"""The scripts that start several processes, as a user calls them."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.registry import MODELS

ROOT = Path(__file__).parents[2]
DATA = ROOT / 'tests' / 'data'
CONFIG = str(DATA / 'shared_batch.py')


def start(*arguments: str, **environment: str) -> subprocess.Popen:
    settings = {
        'PYTHON': sys.executable,
        'OMP_NUM_THREADS': '1',
        'PYTHONPATH': os.pathsep.join((str(ROOT), str(DATA))),
    }
    return subprocess.Popen(arguments, cwd=ROOT, env=os.environ | settings | environment)


@pytest.mark.slow
def test_two_machines_train_as_one_process(tmp_path):
    write_shapes(tmp_path / 'shapes', num_train=4, num_val=1, size=64, seed=0)
    options = ['--cfg-options', f'train_dataloader.dataset.data_root={tmp_path / "shapes"}']
    together = ['--work-dir', str(tmp_path / 'two'), *options, 'train_dataloader.batch_size=2']
    place = dict(NNODES='2', MASTER_ADDR='localhost', PORT='29637')
    machines = [
        start('bash', 'tools/dist_train.sh', CONFIG, '1', *together, NODE_RANK=str(rank), **place) for rank in range(2)
    ]
    alone = start(sys.executable, 'tools/train.py', CONFIG, '--work-dir', str(tmp_path / 'one'), *options)
    assert [process.wait(timeout=300) for process in (*machines, alone)] == [0, 0, 0]
    expected, found = (read_checkpoint(tmp_path / name / 'iter_2.pth')['state_dict'] for name in ('one', 'two'))
    assert list(found) == list(expected)
    for key, weight in expected.items():
        torch.testing.assert_close(found[key], weight, rtol=0, atol=1e-6, msg=lambda text, key=key: f'{key}: {text}')


@pytest.mark.slow
def test_two_processes_predict_as_one(tmp_path):
    """The same files, also those of all images together."""
    weights = tmp_path / 'tiny.pth'
    config = Config.fromfile(DATA / 'tiny_oneformer.py')
    model = MODELS.build(dict(config.model, _scope_='mmoneformer'))
    meta = {'cfg': config.pretty_text, 'dataset_meta': dict(model.dataset_meta)}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, weights)
    write_shapes(tmp_path / 'shapes', num_train=5, num_val=1, size=64, seed=0)
    images = [str(tmp_path / 'shapes' / 'train'), '--weights', str(weights), '--no-pictures', '--workers', '0']
    together = start('bash', 'tools/dist_predict.sh', '2', *images, '--out-dir', str(tmp_path / 'two'), PORT='29639')
    alone = start(sys.executable, 'tools/image_demo.py', *images, '--out-dir', str(tmp_path / 'one'))
    assert [process.wait(timeout=300) for process in (together, alone)] == [0, 0]
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / out).iterdir()} for out in ('one', 'two'))
    assert len(one) == 5 * 3 + 2
    assert one == two


@pytest.fixture
def slurm(tmp_path):
    """Calls a script, with a srun that says what it was asked, and then what it runs."""
    (tmp_path / 'srun').write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / 'srun').chmod(0o755)

    def call(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        path = os.pathsep.join((str(tmp_path), os.environ['PATH']))
        return subprocess.run(
            ['bash', f'tools/{script}', *arguments],
            cwd=ROOT,
            env=os.environ | {'PATH': path, 'PYTHON': 'py'} | environment,
            capture_output=True,
            text=True,
        )

    return call


def test_slurm_trains(slurm):
    asked = slurm('slurm_train.sh', 'gpu', 'my job', 'a config.py', '--amp', '--cfg-options', 'a="b c"').stdout
    assert asked.splitlines() == [
        *('--partition=gpu', '--job-name=my job', '--ntasks=8', '--ntasks-per-node=8', '--gres=gpu:8'),
        *('--cpus-per-task=5', '--kill-on-bad-exit=1'),
        *('py', '-u', 'tools/train.py', 'a config.py', '--launcher', 'slurm', '--amp', '--cfg-options', 'a="b c"'),
    ]


@pytest.mark.parametrize(
    ('environment', 'expected'),
    [
        ('GPUS=2', '--ntasks=2 --ntasks-per-node=2 --gres=gpu:2 --cpus-per-task=5 --kill-on-bad-exit=1'),
        (
            'GPUS=32 GPUS_PER_NODE=4 CPUS_PER_TASK=12 SRUN_ARGS="--qos=high --exclude=n1"',
            '--ntasks=32 --ntasks-per-node=4 --gres=gpu:4 --cpus-per-task=12 --kill-on-bad-exit=1 --qos=high '
            '--exclude=n1',
        ),
    ],
)
def test_slurm_evaluates_on_what_is_asked_for(slurm, environment, expected):
    variables = dict(word.split('=', 1) for word in shlex.split(environment))
    asked = slurm('slurm_test.sh', 'gpu', 'job', 'c.py', 'w.pth', '--tasks', 'semantic', **variables).stdout
    command = ['py', '-u', 'tools/test.py', 'c.py', 'w.pth', '--launcher', 'slurm', '--tasks', 'semantic']
    assert asked.splitlines() == ['--partition=gpu', '--job-name=job', *expected.split(), *command]


@pytest.mark.parametrize(
    ('script', 'arguments', 'expected'),
    [
        ('dist_train.sh', ('c.py', '2', '--amp'), 'train.py c.py --launcher pytorch --amp'),
        ('dist_test.sh', ('c.py', 'w.pth', '2', '--tta'), 'test.py c.py w.pth --launcher pytorch --tta'),
        ('dist_predict.sh', ('2', 'a b.jpg', '--tile', '64'), 'image_demo.py --launcher pytorch a b.jpg --tile 64'),
    ],
)
def test_torchrun_starts_as_many_processes_as_asked_for(slurm, tmp_path, script, arguments, expected):
    asked = slurm(script, *arguments, PYTHON=str(tmp_path / 'srun'), MASTER_ADDR='here', PORT='7').stdout.splitlines()
    assert asked[:2] == ['-m', 'torch.distributed.run']
    assert {'--nproc_per_node=2', '--nnodes=1', '--master_addr=here', '--master_port=7'} <= {*asked}
    assert ' '.join(asked).endswith(f'tools/{expected}')


@pytest.mark.parametrize(
    ('script', 'arguments'),
    [
        ('slurm_train.sh', ('gpu', 'job')),
        ('slurm_test.sh', ('gpu', 'job', 'c.py')),
        ('dist_train.sh', ('c.py',)),
        ('dist_test.sh', ('c.py', 'w.pth')),
        ('dist_predict.sh', ()),
        ('dist_predict.sh', ('2',)),
    ],
)
def test_too_few_arguments_show_the_usage(slurm, script, arguments):
    done = slurm(script, *arguments)
    assert done.returncode != 0
    assert f'usage: {script}' in done.stderr
