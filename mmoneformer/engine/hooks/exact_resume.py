"""Resumes a training as if it had not been interrupted."""

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
    """Derives all random states from the seed and the iteration, so that checkpoints need not contain them.

    The state of the main process (dropout, points of the losses) is set before each iteration. A ``ResumableSampler``
    continues after the batches that were already used; with another sampler, mmengine loads these again.
    """

    def before_train(self, runner: Runner) -> None:
        """Share the seed of the first process; on resuming, it is that of the checkpoint."""
        seeds = [runner.seed]
        broadcast_object_list(seeds)
        self.seed = seeds[0]

    def before_train_epoch(self, runner: Runner) -> None:
        """Set the position of the sampler; a loop that counts iterations is a single epoch."""
        loader = runner.train_dataloader
        sampler = loader.sampler
        if not isinstance(sampler, ResumableSampler):
            return
        position = self.seed, _draws_done(runner, loader, sampler)
        if position != (sampler.seed, sampler.done):
            sampler.seed, sampler.done = position
            if hasattr(runner.train_loop, 'dataloader_iterator'):  # iteration has begun already
                runner.train_loop.dataloader_iterator = _RemainingBatches(loader, runner.iter)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the random state of the iteration, different in each process."""
        set_random_state(self.seed, get_rank(), runner.iter)


def _draws_done(runner: Runner, loader: DataLoader, sampler: ResumableSampler) -> int:
    rounds = 0 if sampler.endless else runner.epoch
    batches = runner.iter - rounds * len(loader)
    return rounds * len(sampler) + batches * loader.batch_size


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
