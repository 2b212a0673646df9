"""Deformable sampling on a CPU with ``embedding_bag``: a query sums rows of a table, the four corners of its points.

``embedding_bag`` reads whole rows, ``grid_sample`` one number at a time. A table has the rows of all heads of an
image, and only as many queries are processed at a time as stay in the caches: neighbors read the same rows. The
backward pass computes the corners again: that takes less time than keeping them costs memory.

Shapes: N queries at a time, G heads, L levels, P points, S positions of the levels with borders, D width of a head.
"""

import warnings
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CORNERS_AT_A_TIME = 2**20  # their rows, weights and what is computed from them stay in the caches

Size = tuple[int, int]

# the part of it that is used here is stable
warnings.filterwarnings('ignore', 'Sparse CSR tensor support is in beta', category=UserWarning)


class _Levels(NamedTuple):
    """The levels, repeated for each head and point (broadcasting short axes is slow), each [G, L, P].

    Attributes:
        width: Without the border, float32.
        height: Without the border, float32.
        start: Row of the level's first position in the table, in which all levels have borders; int32.
        below: Rows from a position to the one below, int32.
    """

    width: Tensor
    height: Tensor
    start: Tensor
    below: Tensor


class _Corners(NamedTuple):
    """The four grid points around each sampled location: upper left, upper right, lower left, lower right.

    Attributes:
        rows: Their rows in the table, int32 [N G, 4 L P].
        right: Interpolation weight of the right ones, [N, G, L, P].
        lower: Interpolation weight of the lower ones, [N, G, L, P].
    """

    rows: Tensor
    right: Tensor
    lower: Tensor

    def weights(self, weights: Tensor) -> Tensor:
        """Distribute the weights of the locations [N, G, L, P] among their corners, [N G, 4 L P]."""
        lower = weights * self.lower
        upper = weights - lower
        upper_right, lower_right = upper * self.right, lower * self.right
        return _stack_corners(upper - upper_right, upper_right, lower - lower_right, lower_right)

    def interpolate(self, corners: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Interpolate values at the corners, [N G, 4 L P].

        Returns:
            The interpolated values, and their derivatives with respect to ``right`` and ``lower``; [N, G, L, P] each.
        """
        queries, heads, *points = self.right.shape
        upper_left, upper_right, lower_left, lower_right = corners.view(queries, heads, 4, *points).unbind(2)
        upper, lower = upper_left.lerp(upper_right, self.right), lower_left.lerp(lower_right, self.right)
        by_right = (upper_right - upper_left).lerp(lower_right - lower_left, self.lower)
        return upper.lerp(lower, self.lower), by_right, lower - upper


def level_starts(sizes: Sequence[Size]) -> list[int]:
    """Index of each level's first token, or row."""
    return list(accumulate((height * width for height, width in sizes[:-1]), initial=0))


def sample_by_embedding_bag(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    """``deformable_sampling.sample`` for CPUs; same arguments and result."""
    return _BagSampling.apply(values, locations, weights, sizes)


class _BagSampling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, locations: Tensor, weights: Tensor, sizes: list[Size]) -> Tensor:
        ctx.save_for_backward(values, locations, weights)
        ctx.sizes = sizes
        levels = _repeat_levels(sizes, values, weights)
        outputs = values.new_empty(*weights.shape[:3], values.shape[-1])
        for value, *of_image in zip(values, locations, weights, outputs, strict=True):
            table = _add_borders(value, sizes)
            for location, weight, output in _some_queries(*of_image):
                corners = _find_corners(levels, location)
                sums = F.embedding_bag(corners.rows, table, per_sample_weights=corners.weights(weight), mode='sum')
                output.copy_(sums.view(output.shape))
        return outputs.flatten(2)

    @staticmethod
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        values, locations, weights = inputs = ctx.saved_tensors
        grad_values, grad_locations, grad_weights = grads = tuple(map(torch.empty_like, inputs))
        levels = _repeat_levels(ctx.sizes, values, weights)
        grad_sums = grad_outputs.unflatten(-1, values.shape[2:])
        for value, grad_value, *of_image in zip(
            values, grad_values, locations, weights, grad_sums, *grads[1:], strict=True
        ):
            table = _add_borders(value, ctx.sizes)
            grad_table = torch.zeros_like(table)
            for location, weight, grad_sum, grad_location, grad_weight in _some_queries(*of_image):
                corners = _find_corners(levels, location)
                grad_sum = grad_sum.flatten(0, 1).contiguous()
                grad_table += bag_grad_values(corners.rows, corners.weights(weight), grad_sum, len(table))
                interpolated, by_right, by_lower = corners.interpolate(bag_grad_weights(table, corners.rows, grad_sum))
                grad_weight.copy_(interpolated)
                grad_location[..., 0] = by_right.mul_(weight).mul_(_slope(location[..., 0], levels.width))
                grad_location[..., 1] = by_lower.mul_(weight).mul_(_slope(location[..., 1], levels.height))
            _remove_borders(grad_table, ctx.sizes, out=grad_value)
        return grad_values, grad_locations, grad_weights, None


def bag_grad_values(rows: Tensor, weights: Tensor, grad_sums: Tensor, num_rows: int) -> Tensor:
    """Gradient of ``embedding_bag`` with respect to its table.

    Args:
        rows: Rows that each bag sums, int32 [N, J].
        weights: Their weights, [N, J].
        grad_sums: Gradient of the sums, [N, D].
        num_rows: Rows of the table, S.

    Returns:
        [S, D].
    """
    from scipy.sparse import csr_matrix  # here: only training takes gradients

    count, length = rows.shape
    starts = np.arange(0, count * length + 1, length, dtype=np.int32)
    entries = (weights.flatten().numpy(), rows.flatten().numpy(), starts)
    bags = csr_matrix(entries, shape=(count, num_rows)).tocsc()  # the bags in which each row occurs
    indices, offsets, bag_weights = map(torch.from_numpy, (bags.indices, bags.indptr[:-1], bags.data))
    return F.embedding_bag(indices, grad_sums, offsets, per_sample_weights=bag_weights, mode='sum')


def bag_grad_weights(table: Tensor, rows: Tensor, grad_sums: Tensor) -> Tensor:
    """Gradient of ``embedding_bag`` with respect to its weights: dot products of rows with the gradient of their sum.

    Args:
        table: [S, D].
        rows: Rows that each bag sums, int32 [N, J].
        grad_sums: Gradient of the sums, [N, D].

    Returns:
        [N, J].
    """
    count, length = rows.shape
    starts = torch.arange(0, count * length + 1, length, dtype=rows.dtype)
    zeros = torch.zeros(rows.numel(), dtype=table.dtype)
    pattern = torch.sparse_csr_tensor(starts, rows.flatten(), zeros, (count, len(table)), check_invariants=False)
    return torch.sparse.sampled_addmm(pattern, grad_sums, table.mT, beta=0).values().view(rows.shape)


def _some_queries(location: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Views of some queries of an image, of tensors [queries, G, ...], the first of which are their locations."""
    corners = 2 * location[0].numel()  # of a query: 4 of each location, which is two numbers
    step = max(1, CORNERS_AT_A_TIME // corners)
    yield from zip(*(part.split(step) for part in (location, *others)), strict=True)


def _repeat_levels(sizes: list[Size], values: Tensor, weights: Tensor) -> _Levels:
    """Describe the levels, for values [B, S, G, D] and weights [B, queries, G, L, P]."""
    heads, shape = values.shape[2], weights.shape[2:]
    padded_sizes = [(height + 2, width + 2) for height, width in sizes]
    heights, widths = zip(*sizes, strict=True)
    start = torch.tensor(level_starts(padded_sizes), dtype=torch.int32)[:, None] * heads
    below = torch.tensor([width * heads for _, width in padded_sizes], dtype=torch.int32)[:, None]
    width, height = (torch.tensor(lengths, dtype=values.dtype)[:, None] for lengths in (widths, heights))
    head = torch.arange(heads, dtype=torch.int32)[:, None, None]
    return _Levels(*(part.expand(shape).contiguous() for part in (width, height, start + head, below)))


def _add_borders(values: Tensor, sizes: list[Size]) -> Tensor:
    """Make the table [S G, D]: the levels, each with a border of zeros, which samples outside of it read."""
    levels = values.flatten(1).split([height * width for height, width in sizes])
    padded = [
        F.pad(level.unflatten(0, size), (0, 0, 1, 1, 1, 1)).flatten(0, 1)
        for level, size in zip(levels, sizes, strict=True)
    ]
    return torch.cat(padded).view(-1, values.shape[-1])


def _remove_borders(table: Tensor, sizes: list[Size], *, out: Tensor) -> None:
    """Write a table without the borders of its levels."""
    padded_sizes = [(height + 2, width + 2) for height, width in sizes]
    levels = table.view(-1, *out.shape[1:]).split([height * width for height, width in padded_sizes])
    parts = out.split([height * width for height, width in sizes])
    for level, padded_size, size, part in zip(levels, padded_sizes, sizes, parts, strict=True):
        part.unflatten(0, size).copy_(level.unflatten(0, padded_size)[1:-1, 1:-1])


def _find_corners(levels: _Levels, locations: Tensor) -> _Corners:
    """Find the grid points around locations [N, G, L, P, 2]."""
    heads = locations.shape[1]  # rows from a position to the one on its right
    left, right_weight = _split_position(locations[..., 0], levels.width)
    top, lower_weight = _split_position(locations[..., 1], levels.height)
    row = (top * levels.below).add_(left, alpha=heads).add_(levels.start)
    lower_row = row + levels.below
    return _Corners(_stack_corners(row, row + heads, lower_row, lower_row + heads), right_weight, lower_weight)


def _stack_corners(*numbers: Tensor) -> Tensor:
    """Join the numbers [N, G, L, P] of the four corners of each point, [N G, 4 L P]."""
    return torch.stack(numbers, 2).flatten(2).flatten(0, 1)


def _split_position(location: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """Find the two neighbors of a location along one axis of a level with borders.

    Args:
        location: In 0..1 of the level without borders, [..., G, L, P]; clamped to the border.
        length: Of the axis without borders, [G, L, P].

    Returns:
        Index of the neighbor before the location, and interpolation weight of the one behind.
    """
    position = torch.minimum((location * length).add_(0.5).clamp_(min=0), length + 1)
    index = torch.minimum(position.floor(), length)
    return index.to(torch.int32), position.sub_(index)


def _slope(location: Tensor, length: Tensor) -> Tensor:
    """Derivative of the position in ``_split_position`` with respect to the location: zero where it is clamped."""
    position = location * length + 0.5
    return ((position >= 0) & (position <= length + 1)) * length
