"""Runs of mmengine's runner that are stopped, beside ones that are not."""

import copy
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import IterBasedTrainLoop
from torch import nn

from mmoneformer.engine.hooks.exact_resume import ExactResumeHook, _RemainingBatches, schedule_fault


def weights(runner):
    return torch.cat([parameter.detach().flatten() for parameter in runner.model.parameters()])


def resume(runner, checkpoint):
    runner._resume, runner._load_from = True, str(checkpoint)
    runner.train()
    return weights(runner)


def stop(make_runner, **settings):
    runner = make_runner(**settings)
    with pytest.raises(SystemExit) as ended:
        runner.train()
    assert ended.value.code == 143
    return runner


@pytest.mark.parametrize('by_epoch', [False, True])
@pytest.mark.parametrize('iteration', [0, 4, 7])
def test_ends_with_the_weights_of_an_undisturbed_run(make_runner, by_epoch, iteration):
    """An epoch has three batches: stopped in the first of one, and within."""
    undisturbed = make_runner(by_epoch=by_epoch)
    undisturbed.train()
    stopped = stop(make_runner, by_epoch=by_epoch, stop=('train', iteration))
    assert stopped.iter == iteration
    assert not torch.equal(weights(stopped), weights(undisturbed))
    last = stopped.message_hub.get_info('last_ckpt')
    assert torch.equal(resume(make_runner(by_epoch=by_epoch), last), weights(undisturbed))


def test_another_sampler_is_wound_forward(make_runner):
    """Its order is kept; what is random in its samples is not."""
    stopped = stop(make_runner, sampler='InfiniteSampler', stop=('train', 3))
    resumed = make_runner(sampler='InfiniteSampler')
    resume(resumed, stopped.message_hub.get_info('last_ckpt'))
    assert resumed.iter == 12


def test_without_a_seed_that_of_the_checkpoint_counts(make_runner, tmp_path):
    stopped = stop(make_runner, seed=None, stop=('train', 5))
    kept = shutil.copy(stopped.message_hub.get_info('last_ckpt'), tmp_path)
    once, again = (resume(make_runner(seed=None), kept) for _ in range(2))
    assert torch.equal(once, again)


def test_processes_have_random_states_of_their_own(make_runner, monkeypatch):
    runner = make_runner()
    (hook,) = (hook for hook in runner.hooks if type(hook).__name__ == 'ExactResumeHook')
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    hook.before_train(runner)
    seen = []
    for rank in (0, 1, 0):
        monkeypatch.setattr('mmoneformer.engine.hooks.exact_resume.get_rank', lambda rank=rank: rank)
        hook.before_train_iter(runner, 0)
        seen.append(torch.rand(()).item())
    assert seen[0] == seen[2] != seen[1]


@pytest.mark.parametrize('skips', [True, False], ids=['fork', 'mmengine'])
def test_batches_that_are_done_are_dropped_or_skipped(skips):
    """As the loops of mmengine and of its maintained fork do; the sampler has left them out already."""
    batches = _RemainingBatches(['c', 'd'], 2)
    if skips:
        batches.skip_iter(2)
    else:
        assert [next(batches) for _ in range(2)] == [None, None]
    assert [next(batches) for _ in range(5)] == ['c', 'd', 'c', 'd', 'c']


def poly(**settings):
    return dict(type='PolyLR', power=0.9, by_epoch=False) | settings


class Training:
    """A training without a model: what the hook reads of a runner."""

    def __init__(self, *schedulers, lr=0.1, weight_decay=0.01):
        layers = [nn.Linear(1, 1), nn.Linear(1, 1)]
        groups = [
            dict(params=layer.parameters(), lr=factor * lr) for layer, factor in zip(layers, (1, 0.1), strict=True)
        ]
        self.optim_wrapper = OptimWrapper(torch.optim.AdamW(groups, weight_decay=weight_decay))
        self.param_schedulers = [
            PARAM_SCHEDULERS.build(dict(scheduler, optimizer=self.optim_wrapper)) for scheduler in schedulers
        ]
        self.iter = 0
        self._resume = True

    def run(self, end):
        """Learning rates of the iterations."""
        rates = []
        while self.iter < end:
            rates.append([group['lr'] for group in self.optim_wrapper.param_groups])
            for scheduler in self.param_schedulers:
                scheduler.step()
            self.iter += 1
        return rates

    def save(self):
        return copy.deepcopy(
            {
                'optimizer': self.optim_wrapper.state_dict(),
                'param_schedulers': [scheduler.state_dict() for scheduler in self.param_schedulers],
                'meta': {'iter': self.iter, 'epoch': 0},
            }
        )

    def resume(self, checkpoint):
        """As mmengine does."""
        ExactResumeHook().after_load_checkpoint(self, checkpoint)
        self.optim_wrapper.load_state_dict(checkpoint['optimizer'])
        for scheduler, state in zip(self.param_schedulers, checkpoint['param_schedulers'], strict=False):
            scheduler.load_state_dict(state)
        self.iter = checkpoint['meta']['iter']
        return self


@pytest.fixture
def warnings(monkeypatch):
    """What the hook says."""
    messages = []
    monkeypatch.setattr(
        'mmoneformer.engine.hooks.exact_resume.print_log', lambda message, **_: messages.append(message)
    )
    return messages


@pytest.mark.filterwarnings('ignore:Detected call of')
@pytest.mark.parametrize(
    ('schedulers', 'lr', 'said'),
    [
        ([poly(end=12)], 0.1, 'PolyLR.total_iters is 5 and in the config 11; PolyLR.end is 6 and in the config 12'),
        ([poly(end=4), poly(begin=4, end=12)], 0.1, 'there are 1 schedulers and in the config 2'),
        ([poly(end=12)], 0.5, r'base_values is \[0.1, .*\] and in the config \[0.5, '),
        ([], 0.5, 'there are 1 schedulers and in the config 0'),
    ],
)
def test_a_changed_schedule_goes_on_as_if_it_had_been_there(warnings, schedulers, lr, said):
    stopped = Training(poly(end=6))
    stopped.run(5)
    resumed = Training(*schedulers, lr=lr).resume(stopped.save()).run(12)
    expected = Training(*schedulers, lr=lr).run(12)[5:]
    assert np.array(resumed) == pytest.approx(np.array(expected))
    assert re.search(f'{said}.*the learning rate is {expected[0][0]:.4g} from iteration 5 on', warnings[0])


@pytest.mark.filterwarnings('ignore:Detected call of')
def test_what_is_not_changed_is_that_of_the_checkpoint(warnings):
    stopped = Training(poly(end=12))
    stopped.run(5)
    checkpoint = stopped.save()
    checkpoint['optimizer']['param_groups'][0]['lr'] = 0.07  # unlike the schedule's
    assert Training(poly(end=12)).resume(copy.deepcopy(checkpoint)).run(6)[0][0] == 0.07
    assert warnings == []


def test_a_changed_rate_without_schedule_and_a_changed_weight_decay_hold(warnings):
    resumed = Training(lr=0.5, weight_decay=0.3).resume(Training().save())
    assert [rates[:2] for rates in resumed.run(2)] == [[0.5, 0.05]] * 2
    assert {group['weight_decay'] for group in resumed.optim_wrapper.param_groups} == {0.3}
    assert 'lr is 0.1 and in the config 0.5; weight_decay is 0.01 and in the config 0.3' in warnings[0]


def test_a_schedule_of_epochs_in_a_loop_of_iterations_is_named():
    loop = IterBasedTrainLoop.__new__(IterBasedTrainLoop)
    loop._iter, loop._max_iters = 0, 12
    schedulers = Training(poly(end=12), poly(end=12, by_epoch=True)).param_schedulers
    said = schedule_fault(SimpleNamespace(train_loop=loop, param_schedulers=schedulers))
    assert said.startswith(
        'param_scheduler.1 counts epochs, of which IterBasedTrainLoop has one: set param_scheduler.1'
    )


@pytest.mark.parametrize(
    ('done', 'end', 'fault'),
    [
        (0, 12, None),
        (0, 8, 'param_scheduler.0.end is 8, so that the learning rate stays at its last value until iteration 12'),
        (0, 99, 'param_scheduler.0.end is 99, so that the learning rate has not come down at iteration 12'),
        (12, 12, 'nothing is left to train: 12 iterations are done, and train_cfg is for 12'),
    ],
)
def test_a_schedule_that_does_not_fit_the_training_is_named(done, end, fault):
    loop = SimpleNamespace(iter=done, max_iters=12, max_epochs=1)
    schedulers = Training(poly(end=end)).param_schedulers
    said = schedule_fault(SimpleNamespace(train_loop=loop, param_schedulers=schedulers))
    assert said == fault if fault is None else said.startswith(fault)
