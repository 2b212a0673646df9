"""Runs of mmengine's runner that are stopped, beside ones that are not."""

import shutil

import pytest
import torch

from mmoneformer.engine.hooks.exact_resume import _RemainingBatches


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
