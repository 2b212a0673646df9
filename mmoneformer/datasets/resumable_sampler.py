"""An order of images that can be entered anywhere; each draw has a random state of its own."""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence, Sized
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmoneformer.datasets.random_state import set_random_state
from mmoneformer.registry import DATA_SAMPLERS


class Draw(int):
    """Index of an image, with what the random state of its reading follows from.

    Attributes:
        entropy: Seed, round and index.
    """

    entropy: tuple[int, int, int]


@DATA_SAMPLERS.register_module()
class ResumableSampler(Sampler):
    """Draws each image once per round, and lets each draw be read alike whoever reads it, and whenever.

    The order of a round follows from the seed and the round; crops, flips and tasks follow from the seed, the round
    and the image. So training goes on exactly where it stopped without having stored the state of anything
    (``ExactResumeHook`` says where), and several processes share the draws that one would make.

    To that end the data set is given a ``__getitems__``, which torch's data loader prefers to ``__getitem__``.

    Args:
        dataset: What is drawn from.
        seed: The same in all processes; None lets them agree on one.
        endless: One round after the other, for loops that count iterations. Otherwise iterating ends with a round,
            for loops that count epochs, and a round is filled up so that all processes draw alike.
    """

    def __init__(self, dataset: Sized, *, seed: int | None = None, endless: bool = True) -> None:
        dataset.__getitems__ = functools.partial(read_draws, dataset)  # type: ignore[attr-defined]
        self.rank, self.world_size = get_dist_info()
        self.size = len(dataset)
        self.endless = endless
        self.seed = sync_random_seed() if seed is None else seed
        self.done = 0  # draws of this process since the training began

    def __len__(self) -> int:
        """Draws of this process in a round."""
        return math.ceil(self.size / self.world_size)

    def __iter__(self) -> Iterator[Draw]:
        """Go on behind the draws that are done; at the end of the round they are all done."""
        round_size = self.size if self.endless else len(self) * self.world_size
        round_end = (self.done // len(self) + 1) * len(self)
        for number in itertools.count(self.done) if self.endless else range(self.done, round_end):
            round_, place = divmod(number * self.world_size + self.rank, round_size)
            draw = Draw(_order(self.seed, round_, self.size)[place % self.size])
            draw.entropy = (self.seed, round_, int(draw))
            yield draw
        self.done = round_end


@functools.lru_cache(maxsize=1)
def _order(seed: int, round_: int, size: int) -> np.ndarray:
    return np.random.default_rng((seed, round_)).permutation(size)


def read_draws(dataset: Any, draws: Sequence[Draw]) -> list[Any]:
    """Read a batch, each sample from the random state of its draw."""
    samples = []
    for draw in draws:
        set_random_state(*draw.entropy)
        samples.append(dataset[draw])
    return samples
