"""Killed at any moment, a training resumes and ends with the weights that it would have had.

The command line runs in processes of its own, forked off one that has imported everything already.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer_deploy.atomic_files import partial_path

ROOT = Path(__file__).parents[2]
NUM_ITERATIONS = 6
TERMINATED = 128 + signal.SIGTERM


@pytest.fixture(scope='module')
def settings(tmp_path_factory):
    """Five images in batches of two, so that batches span rounds; dropout; a checkpoint every second step."""
    root = tmp_path_factory.mktemp('data') / 'shapes'
    write_shapes(root, num_train=5, num_val=1, size=64, seed=0)
    return {
        'train_dataloader.dataset.data_root': root,
        'train_dataloader.batch_size': 2,
        'val_dataloader.dataset.data_root': root,
        'val_dataloader.num_workers': 0,
        'val_dataloader.persistent_workers': False,
        'train_cfg.max_iters': NUM_ITERATIONS,
        'train_cfg.val_begin': NUM_ITERATIONS + 1,
        'default_hooks.checkpoint.interval': 2,
        'default_hooks.checkpoint.save_best': None,
        'model.panoptic_head.set_loss.num_points': 64,
        'model.panoptic_head.query_initializer.dropout': 0.1,
    }


@pytest.fixture(scope='module')
def start(start_script, settings):
    """Starts the command line in a process."""

    def start(work_dir, *arguments, **options):
        given = settings | {key.replace('__', '.'): value for key, value in options.items()}
        command = ['configs/oneformer_tiny_shapes.py', '--work-dir', work_dir, *arguments]
        options = ['--cfg-options', *(f'{key}={value}' for key, value in given.items())]
        return start_script(ROOT / 'tools/train.py', *command, *options, cwd=ROOT)

    return start


def wait(process, code=0):
    process.join(timeout=300)
    assert process.exitcode == code


def wait_for(path, process):
    """Wait until a file is there."""
    while not path.exists():
        assert process.is_alive(), path
        time.sleep(0.002)


def wait_for_bytes(pipe, process):
    """Wait until a process writes into a pipe that does not block its reader."""
    while True:
        try:
            if os.read(pipe, 1000):
                return
        except BlockingIOError:
            pass
        assert process.is_alive()
        time.sleep(0.002)


def is_alive(group):
    """Whether a process of the group has not ended."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def weights(work_dir):
    return read_checkpoint(work_dir / f'iter_{NUM_ITERATIONS}.pth')['state_dict']


def assert_equal(states, expected):
    assert states.keys() == expected.keys()
    assert all(torch.equal(states[key], expected[key]) for key in expected)


@pytest.fixture(scope='module')
def undisturbed(start, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('undisturbed')
    wait(start(work_dir, train_dataloader__num_workers=0, train_dataloader__persistent_workers=False))
    return weights(work_dir)


def test_terminated_then_killed_then_misled(start, undisturbed, tmp_path):
    """With two workers, where the undisturbed run has none."""
    process = start(tmp_path)
    wait_for(tmp_path / 'iter_2.pth', process)
    os.kill(process.pid, signal.SIGTERM)
    wait(process, TERMINATED)

    part = partial_path(tmp_path / f'iter_{NUM_ITERATIONS}.pth')
    os.mkfifo(part)  # holds the process that writes a checkpoint into it, once it is full
    process = start(tmp_path, '--resume')
    pipe = os.open(part, os.O_RDONLY | os.O_NONBLOCK)
    wait_for_bytes(pipe, process)
    process.kill()
    wait(process, -signal.SIGKILL)
    os.close(pipe)
    part.unlink()
    assert not (tmp_path / f'iter_{NUM_ITERATIONS}.pth').exists()

    last = Path((tmp_path / 'last_checkpoint').read_text())
    truncated = tmp_path / 'iter_9.pth'
    truncated.write_bytes(last.read_bytes()[:-100])
    (tmp_path / 'last_checkpoint').write_text(str(truncated))
    wait(start(tmp_path, '--resume'))
    assert_equal(weights(tmp_path), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize('workers', [0, 2])
def test_killed_again_and_again(start, undisturbed, tmp_path, workers):
    """At random moments of start, training and saving, by signals that come back or do not."""
    loader = dict(train_dataloader__num_workers=workers, train_dataloader__persistent_workers=bool(workers))
    moments = random.Random(workers)
    for _ in range(5):
        process = start(tmp_path, '--resume', **loader)
        process.join(timeout=moments.uniform(2, 12))
        process.kill() if moments.random() < 0.5 else process.terminate()
        process.join(timeout=300)
        assert process.exitcode in (0, TERMINATED, -signal.SIGTERM, -signal.SIGKILL)
    wait(start(tmp_path, '--resume', **loader))
    assert_equal(weights(tmp_path), undisturbed)


@pytest.mark.slow
def test_two_processes_and_their_workers_are_terminated(settings, tmp_path):
    """As schedulers do it. Resumed, they end with the weights of two that nothing disturbed."""

    def launch(work_dir, *arguments):
        options = settings | {'train_dataloader.batch_size': 1, 'train_cfg.max_iters': 12}
        command = ['bash', 'tools/dist_train.sh', 'configs/oneformer_tiny_shapes.py', '2', '--work-dir', str(work_dir)]
        command += [*arguments, '--cfg-options', *(f'{key}={value}' for key, value in options.items())]
        environment = os.environ | {'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1', 'PORT': '29623'}
        return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)

    assert launch(tmp_path / 'undisturbed').wait(timeout=300) == 0
    launcher = launch(tmp_path / 'stopped')
    while not (tmp_path / 'stopped' / 'iter_2.pth').exists():
        assert launcher.poll() is None
        time.sleep(0.002)
    os.killpg(launcher.pid, signal.SIGTERM)
    launcher.wait()
    while is_alive(launcher.pid):
        time.sleep(0.1)
    assert not (tmp_path / 'stopped' / 'iter_12.pth').exists()
    assert 'stopped by SIGTERM' in ''.join(path.read_text() for path in tmp_path.glob('stopped/*/*.log'))
    assert launch(tmp_path / 'stopped', '--resume').wait(timeout=300) == 0
    states = [read_checkpoint(tmp_path / name / 'iter_12.pth')['state_dict'] for name in ('stopped', 'undisturbed')]
    assert_equal(*states)
