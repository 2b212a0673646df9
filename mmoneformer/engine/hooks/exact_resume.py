"""Resumes a training as if it had not been interrupted, or with the settings of a config that was changed since."""

import itertools
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.dist import broadcast_object_list, get_rank
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper, _ParamScheduler
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmoneformer.datasets.resumable_loading import ResumableSampler, set_random_state
from mmoneformer.registry import HOOKS

PROGRESS = {'last_step', '_global_step', '_last_value', 'verbose'}  # of a scheduler's state: not in its config
CONSTANTS = ('weight_decay', 'betas', 'eps', 'momentum')  # of parameter groups


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Derives all random states from the seed and the iteration, so that checkpoints need not contain them.

    The state of the main process (dropout, points of the losses) is set before each iteration. A ``ResumableSampler``
    continues after the batches that were already used; with another sampler, mmengine loads these again.

    If the config was changed since, its learning rates, schedules and weight decay hold, and the log names what
    differs; mmengine would take all of them from the checkpoint.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Let the schedule of the config hold where it is not that of the checkpoint."""
        if runner._resume and isinstance(runner.optim_wrapper, OptimWrapper) and 'optimizer' in checkpoint:
            follow_config(runner, checkpoint)

    def before_train(self, runner: Runner) -> None:
        """Share the seed of the first process; on resuming, it is that of the checkpoint."""
        seeds = [runner.seed]
        broadcast_object_list(seeds)
        self.seed = seeds[0]
        fault = schedule_fault(runner)
        if fault:
            print_log(fault, logger='current', level=logging.WARNING)

    def before_train_epoch(self, runner: Runner) -> None:
        """Set the position of the sampler; a loop that counts iterations is a single epoch."""
        loader = runner.train_dataloader
        sampler = getattr(loader.batch_sampler, 'sampler', loader.sampler)
        if not isinstance(sampler, ResumableSampler):
            return
        sampler.follow_loop(counts_epochs=isinstance(runner.train_loop, EpochBasedTrainLoop))
        position = self.seed, _draws_done(runner, loader, sampler)
        if position != (sampler.seed, sampler.done):
            sampler.seed, sampler.done = position
            if hasattr(runner.train_loop, 'dataloader_iterator'):  # iteration has begun already
                runner.train_loop.dataloader_iterator = _RemainingBatches(loader, runner.iter)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the random state of the iteration, different in each process."""
        set_random_state(self.seed, get_rank(), runner.iter)


def follow_config(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Replace schedules and constants of the optimizer in a checkpoint by those of the config, where they differ.

    Schedules go on as if the training had had them from the start.

    Args:
        runner: Its optimizer and schedulers are those of the config, before the first iteration.
        checkpoint: As mmengine saved it; it is changed if anything differs.
    """
    state, groups = checkpoint['optimizer'], runner.optim_wrapper.param_groups
    saved = [*state['param_groups'], *([base] if (base := state.get('base_param_settings')) else [])]
    schedulers = runner.param_schedulers or []
    if len(saved) != len(groups) or not isinstance(schedulers, list):
        return
    differences = _differences(schedulers, checkpoint.get('param_schedulers') or [])
    keys = {'lr', *(scheduler.param_name for scheduler in schedulers)}
    if differences:
        _replay(schedulers, checkpoint['meta'])
        checkpoint['param_schedulers'] = [scheduler.state_dict() for scheduler in schedulers]
    elif not schedulers and [group['lr'] for group in groups] != [group['lr'] for group in saved]:
        differences = [f'lr is {saved[0]["lr"]:g} and in the config {groups[0]["lr"]:g}']
    for old, new in zip(saved, groups, strict=True):
        constants = [
            key for key in CONSTANTS if key in old and key not in keys and _plain(old[key]) != _plain(new[key])
        ]
        differences += [f'{key} is {old[key]} and in the config {new[key]}' for key in constants]
        scheduled = [key for key in new if key.removeprefix('initial_') in keys] if differences else []
        old.update({key: new[key] for key in (*constants, *scheduled)})
    if differences:
        rate = max(group['lr'] for group in groups[: len(state['param_groups'])])
        print_log(
            f'the config holds where it differs from the checkpoint ({"; ".join(dict.fromkeys(differences))}): the '
            f'learning rate is {rate:.4g} from iteration {checkpoint["meta"]["iter"]} on',
            logger='current',
            level=logging.WARNING,
        )


def schedule_fault(runner: Runner) -> str | None:
    """Describe why the iterations of a training do not fit its schedule; None if they do."""
    loop = runner.train_loop
    if loop.iter >= loop.max_iters:
        return (
            f'nothing is left to train: {loop.iter} iterations are done, and train_cfg is for {loop.max_iters}: raise '
            'max_iters (max_epochs), and the end of param_scheduler with it'
        )
    schedulers = runner.param_schedulers if isinstance(runner.param_schedulers, list) else []
    by_epoch = [f'param_scheduler.{index}' for index, scheduler in enumerate(schedulers) if scheduler.by_epoch]
    if by_epoch and isinstance(loop, IterBasedTrainLoop):
        return f'{by_epoch[0]} counts epochs, of which IterBasedTrainLoop has one: set {by_epoch[0]}.by_epoch=False'
    last = max((part for part in schedulers if part.param_name == 'lr'), key=lambda part: part.end, default=None)
    if last is None or not hasattr(last, 'eta_min'):  # as a warm-up or steps have, which may end at any time
        return None
    end, unit = (loop.max_epochs, 'epoch') if last.by_epoch else (loop.max_iters, 'iteration')
    if last.end == end:
        return None
    effect = 'stays at its last value until' if last.end < end else 'has not come down at'
    key = f'param_scheduler.{schedulers.index(last)}.end'
    return (
        f'{key} is {last.end}, so that the learning rate {effect} {unit} {end}, '
        'where train_cfg ends the training: set both'
    )


def _differences(schedulers: Sequence[_ParamScheduler], states: Sequence[Mapping[str, Any]]) -> list[str]:
    """What differs between the schedulers of a config, and those of a checkpoint."""
    if len(schedulers) != len(states):
        return [f'there are {len(states)} schedulers and in the config {len(schedulers)}']
    return [
        f'{type(scheduler).__name__}.{key} is {state[key]} and in the config {value}'
        for scheduler, state in zip(schedulers, states, strict=True)
        if not getattr(scheduler, 'need_val_args', False)  # its state follows the metrics
        for key, value in scheduler.state_dict().items()
        if key in state and key not in PROGRESS and _plain(state[key]) != _plain(value)
    ]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _replay(schedulers: Sequence[_ParamScheduler], progress: Mapping[str, int]) -> None:
    """Bring new schedulers to an iteration and epoch; those that follow metrics stay as they are."""
    steps = {True: progress['epoch'], False: progress['iter']}
    moving = [scheduler for scheduler in schedulers if not getattr(scheduler, 'need_val_args', False)]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that schedulers step before the optimizer
        for _ in range(max(steps.values())):
            for scheduler in moving:
                if scheduler._global_step < steps[scheduler.by_epoch]:
                    scheduler.step()


def _draws_done(runner: Runner, loader: DataLoader, sampler: ResumableSampler) -> int:
    rounds = 0 if sampler.is_endless else runner.epoch
    batches = runner.iter - rounds * len(loader)
    batch_size: int = loader.batch_size or getattr(loader.batch_sampler, 'batch_size')  # noqa: B009
    return rounds * len(sampler) + batches * batch_size


class _RemainingBatches:
    """Iterator over batches for mmengine's loop, which first discards those that were already used.

    mmengine's loop takes and drops them; that of its maintained fork calls ``skip_iter``.

    Args:
        loader: Loader whose sampler continues after the batches that were used.
        count: Number of batches that were used.
    """

    def __init__(self, loader: DataLoader, count: int) -> None:
        self._dropped = count
        self._batches = itertools.chain.from_iterable(itertools.repeat(loader))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._dropped:
            self._dropped -= 1
            return None
        return next(self._batches)

    def skip_iter(self, count: int) -> None:
        """Discard batches that were already used."""
        self._dropped -= count
