"""Lets a resumed training go on as if it had never stopped."""

import itertools
from collections.abc import Iterator
from typing import Any

from mmengine.dist import broadcast_object_list, get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmoneformer.datasets.resumable_loading import ResumableSampler, set_random_state
from mmoneformer.registry import HOOKS


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Makes all randomness follow from the seed and the iteration, so that no state of it must be stored.

    The main process (dropout, points of the losses) gets a new random state before each iteration. Its batches, of a
    ``ResumableSampler``, go on behind those that are done; with another sampler mmengine loads these once more.
    """

    def before_train(self, runner: Runner) -> None:
        """Take the seed, on resuming the one of the checkpoint; all processes that of the first."""
        seeds = [runner.seed]
        broadcast_object_list(seeds)
        self.seed = seeds[0]

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the sampler what is done; a loop that counts iterations is a single epoch."""
        loader = runner.train_dataloader
        sampler = loader.sampler
        if not isinstance(sampler, ResumableSampler):
            return
        place = self.seed, _draws_done(runner, loader, sampler)
        if place != (sampler.seed, sampler.done):
            sampler.seed, sampler.done = place
            if hasattr(runner.train_loop, 'dataloader_iterator'):  # it has begun already
                runner.train_loop.dataloader_iterator = _BatchesBehind(loader, runner.iter)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the random state of the iteration, another one in each process."""
        set_random_state(self.seed, get_rank(), runner.iter)


def _draws_done(runner: Runner, loader: DataLoader, sampler: ResumableSampler) -> int:
    rounds = 0 if sampler.endless else runner.epoch
    batches = runner.iter - rounds * len(loader)
    return rounds * len(sampler) + batches * loader.batch_size


class _BatchesBehind:
    """What mmengine's loop takes its batches from.

    On resuming it first takes as many as are done, and drops them; the loop of the maintained fork skips them.

    Args:
        loader: Whose sampler goes on behind those that are done.
        count: How many are done.
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
        """Drop some of those that are done."""
        self._dropped -= count
