"""Batches of blocks whose pixels are needed: each needs other masks, and all of a batch about as many.

Shapes: b blocks, up to n masks in each.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

STEP = 2**18  # logits of a batch
FILL = 1.25  # times as many masks at most, to fill rows up


class NeededMasks(NamedTuple):
    """Which masks are needed in some blocks.

    Attributes:
        blocks: Numbers of the blocks, [b].
        counts: How many masks are needed in each, at least 1, [b].
        masks: Indices of these masks, one block after the other, [sum of counts].
    """

    blocks: Tensor
    counts: Tensor
    masks: Tensor

    @classmethod
    def of(cls, blocks: Tensor, masks: Tensor, needed: Tensor) -> 'NeededMasks':
        """Collect them from all blocks and masks, [g] and [n], and which of them is needed, bool [n, g]."""
        counts = needed.sum(0)
        return cls(blocks[counts > 0], counts[counts > 0], masks[needed.T.nonzero()[:, 1]])


class Batch(NamedTuple):
    """Blocks, and the masks that are needed in each.

    Attributes:
        chosen: Which blocks of the list, [b].
        blocks: Numbers of the blocks, [b].
        masks: Indices of the masks, [b, n].
        is_mask: False for those that only fill a row up, bool [b, n].
    """

    chosen: Tensor
    blocks: Tensor
    masks: Tensor
    is_mask: Tensor


def make_batches(parts: Sequence[NeededMasks], block_size: int) -> Iterator[Batch]:
    """Make batches.

    Args:
        parts: The list of blocks, in parts.
        block_size: Pixels of a block.
    """
    if not parts:
        return
    blocks, counts, masks = (torch.cat(part) for part in zip(*parts, strict=True))
    first, order = counts.cumsum(0) - counts, counts.argsort()
    ascending = counts[order].tolist()
    start = 0
    while start < len(ascending):
        end = bisect_right(ascending, ascending[start] * FILL, start)
        end = min(end, start + max(1, STEP // (ascending[end - 1] * block_size)))
        chosen = order[start:end]
        places, is_mask = _fill_rows(first[chosen], counts[chosen])
        yield Batch(chosen, blocks[chosen], masks[places], is_mask)
        start = end


def list_marks(marks: Tensor) -> Tensor:
    """Indices of the marks in each row, bool [b, C], ascending, the last one repeated to fill a row up: [b, c]."""
    counts = marks.sum(1)
    places, _ = _fill_rows(counts.cumsum(0) - counts, counts)
    return marks.nonzero()[:, 1][places]


def _fill_rows(first: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of a list, of which the shorter ones repeat their last place, [b, n]; and False for these, bool [b, n]."""
    numbers = torch.arange(int(counts.max()))
    return first[:, None] + torch.minimum(numbers, counts[:, None] - 1), numbers < counts[:, None]
