import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from mmengine.hooks import Hook

from mmoneformer.checkpoints.intact_checkpoint import is_intact
from mmoneformer.checkpoints.safe_load import read_checkpoint


def saved(runner):
    return sorted(name for name in os.listdir(runner.work_dir) if name.endswith('.pth'))


def stop(make_runner, **settings):
    runner = make_runner(**settings)
    with pytest.raises(SystemExit) as ended:
        runner.train()
    assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    return runner


def meta_of_last(runner):
    meta = read_checkpoint(runner.message_hub.get_info('last_ckpt'))['meta']
    return meta['epoch'], meta['iter']


def test_the_last_two_are_kept_and_complete(make_runner, tmp_path):
    runner = make_runner(save_best='value', rule='greater')
    runner.train()
    assert saved(runner) == ['best_value_iter_5.pth', 'iter_12.pth', 'iter_8.pth']
    assert all(is_intact(tmp_path / 'work' / name) for name in saved(runner))
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_sigterm_saves_after_the_iteration(make_runner):
    runner = stop(make_runner, stop=('train', 5))
    assert saved(runner) == ['iter_4.pth', 'iter_6.pth']
    assert meta_of_last(runner) == (0, 6)


def test_sigterm_in_a_validation(make_runner):
    """The one after iteration 5."""
    runner = stop(make_runner, stop=('val', 5))
    assert saved(runner) == ['iter_4.pth', 'iter_5.pth']
    assert meta_of_last(runner) == (0, 5)


def test_sigterm_within_an_epoch(make_runner):
    """The checkpoint of the epoch before it is overwritten."""
    runner = stop(make_runner, by_epoch=True, interval=1, stop=('train', 7))
    assert saved(runner) == ['epoch_1.pth', 'epoch_2.pth']
    assert meta_of_last(runner) == (2, 8)


def test_other_storage_is_left_to_the_config(make_runner):
    runner = make_runner(backend_args=None)
    runner.train()
    assert saved(runner) == ['iter_12.pth', 'iter_8.pth']


class Fails(Hook):
    def before_train_iter(self, runner, batch_idx, data_batch=None):
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        raise FloatingPointError('not finite')


def test_an_exception_restores_the_handler(make_runner):
    runner = make_runner()
    runner.register_hook(Fails())
    for _ in range(2):
        with pytest.raises(FloatingPointError, match='not finite'):
            runner.train()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_training_in_another_thread(make_runner):
    """Python sets handlers of signals in the main thread alone."""
    runner = make_runner(save_best='value', rule='greater')
    with ThreadPoolExecutor(1) as thread:
        thread.submit(runner.train).result()
    assert saved(runner) == ['best_value_iter_5.pth', 'iter_12.pth', 'iter_8.pth']


def test_a_validation_alone_leaves_the_handler_and_saves_nothing(make_runner):
    seen = []
    runner = make_runner(save_best='value', rule='greater')
    runner.register_hook(Notes(seen))
    assert runner.val() == {'value': 0.0}
    assert seen == [signal.SIG_DFL] * 3
    assert saved(runner) == []


class Notes(Hook):
    def __init__(self, seen):
        self.seen = seen

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.seen.append(signal.getsignal(signal.SIGTERM))
