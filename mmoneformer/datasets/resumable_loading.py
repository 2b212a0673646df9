"""Data loading that can be interrupted and resumed exactly.

The order and the augmentation of images depend on seed, epoch and index only, and workers survive the signal of a
scheduler until the main process has saved.
"""

import functools
import itertools
import math
import os
import random
import signal
import threading
from collections.abc import Iterator, Sequence, Sized
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_dist_info, get_rank, sync_random_seed
from mmengine.registry import FUNCTIONS
from torch.utils.data import Sampler

from mmoneformer.registry import DATA_SAMPLERS


class Draw(int):
    """Index of an image, and what its random state is derived from.

    Attributes:
        entropy: Seed, epoch and index.
    """

    entropy: tuple[int, int, int]


@DATA_SAMPLERS.register_module()
class ResumableSampler(Sampler):
    """Draw each image once per epoch, with a random state that does not depend on what was drawn before.

    The order of an epoch is derived from the seed and the epoch; crops, flips and tasks are derived from the seed, the
    epoch and the image. Training resumes exactly without any stored random state (``ExactResumeHook`` sets ``done``),
    and the processes of distributed training share the samples that a single one would draw.

    The sampler adds a ``__getitems__`` to the data set, which torch's data loader prefers to ``__getitem__``.

    Args:
        dataset: The data set to draw from.
        seed: The same in all processes; None lets them agree on a random one.
        endless: Whether iteration continues over epochs, for loops that count iterations. Otherwise it ends after an
            epoch, for loops that count epochs, and epochs are padded so that all processes have equally many draws.
            None leaves it to the training loop, which ``ExactResumeHook`` knows; without the hook, it is endless.

    Raises:
        ValueError: If the data set wraps others and has a pipeline that would separate images from their id maps
            (``check_pipeline``).
    """

    def __init__(self, dataset: Sized, *, seed: int | None = None, endless: bool | None = None) -> None:
        from mmoneformer.datasets.pipeline_checks import check_wrapped_pipelines  # here: it imports mmdet and mmseg

        check_wrapped_pipelines(dataset)
        dataset.__getitems__ = functools.partial(read_draws, dataset)  # type: ignore[attr-defined]
        self.dataset = dataset  # batch samplers of mmdet look there
        self.rank, self.world_size = get_dist_info()
        self.size = len(dataset)
        self.endless = endless
        self.seed = sync_random_seed() if seed is None else seed
        self.done = 0  # draws of this process since the start of the training

    def follow_loop(self, *, counts_epochs: bool) -> None:
        """Settle whether iteration continues over epochs.

        Args:
            counts_epochs: Whether the training loop ends an epoch where iteration ends.

        Raises:
            ValueError: If the loop would wait for an end that does not come.
        """
        if self.endless and counts_epochs:
            raise ValueError(
                'a loop that counts epochs never ends one with ResumableSampler(endless=True): leave it out'
            )
        if self.endless is None:
            self.endless = not counts_epochs

    @property
    def is_endless(self) -> bool:
        """Whether iteration continues over epochs."""
        return self.endless is not False

    def __len__(self) -> int:
        """Number of draws of this process in an epoch."""
        return math.ceil(self.size / self.world_size)

    def __iter__(self) -> Iterator[Draw]:
        """Continue after the draws that are done."""
        epoch_size = self.size if self.is_endless else len(self) * self.world_size
        epoch_end = (self.done // len(self) + 1) * len(self)
        for number in itertools.count(self.done) if self.is_endless else range(self.done, epoch_end):
            epoch, place = divmod(number * self.world_size + self.rank, epoch_size)
            draw = Draw(_order(self.seed, epoch, self.size)[place % self.size])
            draw.entropy = (self.seed, epoch, int(draw))
            yield draw
        self.done = epoch_end


@functools.lru_cache(maxsize=1)
def _order(seed: int, epoch: int, size: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(size)


def read_draws(dataset: Any, draws: Sequence[Draw]) -> list[Any]:
    """Load the samples of a batch, each with the random state of its draw."""
    samples = []
    for draw in draws:
        set_random_state(*draw.entropy)
        samples.append(dataset[draw])
    return samples


def set_random_state(*entropy: int) -> None:
    """Seed the random generators of Python, numpy and torch, on the CPU and on accelerators that are in use.

    Args:
        entropy: Non-negative integers, such as a seed and an iteration; different ones give independent states.
    """
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed keeps a stack trace per call where CUDA is not used
    for backend in (torch.cuda, torch.xpu, getattr(torch, 'npu', None)):
        if backend is not None and backend.is_initialized():
            backend.manual_seed_all(seed)
    if torch.backends.mps.is_available() and not torch.mps._is_in_bad_fork():  # as torch.manual_seed
        torch.mps.manual_seed(seed)


@FUNCTIONS.register_module()
def ignore_sigterm(worker_id: int) -> None:
    """Initialize a worker of a data loader so that it only obeys the SIGTERM of its main process.

    Schedulers send SIGTERM to all processes of a job, but the main process needs its workers until it has saved. On
    macOS and Windows, which do not tell who sent a signal, workers obey all.

    Args:
        worker_id: Number of the worker in its data loader.
    """
    if hasattr(signal, 'sigwaitinfo'):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_with_parent, daemon=True).start()
    set_random_state(torch.initial_seed(), get_rank())  # torch gives each worker of a process its own seed


def _end_with_parent() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(os.EX_OK)
