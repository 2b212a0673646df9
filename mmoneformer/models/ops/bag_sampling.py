"""Deformable sampling on a CPU with ``embedding_bag``: a query sums rows of a table, the four corners of its points.

``embedding_bag`` reads whole rows, ``grid_sample`` one number at a time. Only as many heads of one image are processed
at a time as stay in the caches: one of a large image, all of a small one, where calls cost more than their work. The
backward pass computes the corners again: that takes less time than keeping them costs memory.

Shapes: H heads at a time, N queries, L levels, P points, S rows of a head's table, D width of a head.
"""

import warnings
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CORNERS_AT_A_TIME = 2**18  # their rows, weights and what is computed from them stay in the caches of a core

Size = tuple[int, int]

# the part of it that is used here is stable
warnings.filterwarnings('ignore', 'Sparse CSR tensor support is in beta', category=UserWarning)


class _Levels(NamedTuple):
    """Sizes of the levels, repeated for each point (broadcasting a short axis is slow), int32 [L, P].

    Attributes:
        width: Without the border.
        height: Without the border.
        start: Index of the level's first row in a head's table, in which all levels have borders.
        num_rows: Rows of a head's table, S.
    """

    width: Tensor
    height: Tensor
    start: Tensor
    num_rows: int


class _Corners(NamedTuple):
    """The four grid points around each sampled location: upper left, upper right, lower left, lower right.

    Attributes:
        rows: Their rows in the tables of all heads, one after another, int32 [H N, 4 L P].
        right: Interpolation weight of the right ones, [H, N, L, P].
        lower: Interpolation weight of the lower ones, [H, N, L, P].
    """

    rows: Tensor
    right: Tensor
    lower: Tensor

    def weights(self, weights: Tensor) -> Tensor:
        """Distribute the weights of the locations [H, N, L, P] among their corners, [H N, 4 L P]."""
        lower = weights * self.lower
        upper = weights - lower
        upper_right, lower_right = upper * self.right, lower * self.right
        return _stack_corners(upper - upper_right, upper_right, lower - lower_right, lower_right)

    def interpolate(self, corners: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Interpolate values at the corners, [H N, 4 L P].

        Returns:
            The interpolated values, and their derivatives with respect to ``right`` and ``lower``; [H, N, L, P] each.
        """
        heads, queries, *points = self.right.shape
        upper_left, upper_right, lower_left, lower_right = corners.view(heads, queries, 4, *points).unbind(2)
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
        levels = _repeat_levels(sizes, num_points=weights.shape[-1])
        outputs = values.new_empty(*weights.shape[:3], values.shape[-1])
        for value, location, weight, output in _heads(values, locations, weights, outputs):
            corners, table = _find_corners(levels, location), _add_borders(value, sizes)
            sums = F.embedding_bag(corners.rows, table, per_sample_weights=corners.weights(weight), mode='sum')
            output.copy_(sums.view(output.shape))
        return outputs.flatten(2)

    @staticmethod
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        values, locations, weights = inputs = ctx.saved_tensors
        grad_values, grad_locations, grad_weights = grads = tuple(map(torch.empty_like, inputs))
        levels = _repeat_levels(ctx.sizes, num_points=weights.shape[-1])
        grad_sums = grad_outputs.unflatten(-1, values.shape[2:])
        for value, location, weight, grad_sum, grad_value, grad_location, grad_weight in _heads(
            *inputs, grad_sums, *grads
        ):
            corners, table = _find_corners(levels, location), _add_borders(value, ctx.sizes)
            grad_sum = grad_sum.flatten(0, 1).contiguous()
            grad_table = bag_grad_values(corners.rows, corners.weights(weight), grad_sum, len(table))
            _remove_borders(grad_table, ctx.sizes, out=grad_value)
            interpolated, by_right, by_lower = corners.interpolate(bag_grad_weights(table, corners.rows, grad_sum))
            grad_weight.copy_(interpolated)
            grad_location[..., 0] = by_right.mul_(weight).mul_(_slope(location[..., 0], levels.width))
            grad_location[..., 1] = by_lower.mul_(weight).mul_(_slope(location[..., 1], levels.height))
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


def _heads(values: Tensor, locations: Tensor, weights: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Views [H, length, ...] of some heads of an image, of tensors [B, length, G, ...]."""
    corners = 4 * weights[0, :, 0].numel()  # of one head
    step = max(1, CORNERS_AT_A_TIME // max(1, corners))
    for of_image in zip(*(part.transpose(1, 2) for part in (values, locations, weights, *others)), strict=True):
        yield from zip(*(part.split(step) for part in of_image), strict=True)


def _repeat_levels(sizes: list[Size], num_points: int) -> _Levels:
    padded_sizes = [(height + 2, width + 2) for height, width in sizes]
    heights, widths = zip(*sizes, strict=True)
    numbers = torch.tensor([widths, heights, level_starts(padded_sizes)], dtype=torch.int32)
    num_rows = sum(height * width for height, width in padded_sizes)
    width, height, start = numbers[..., None].repeat(1, 1, num_points)
    return _Levels(width, height, start, num_rows)


def _add_borders(values: Tensor, sizes: list[Size]) -> Tensor:
    """Make the tables [H S, D]: levels of each head, each with a border of zeros, which samples outside of it read."""
    levels = values.split([height * width for height, width in sizes], dim=1)
    padded = [
        F.pad(level.unflatten(1, size), (0, 0, 1, 1, 1, 1)).flatten(1, 2)
        for level, size in zip(levels, sizes, strict=True)
    ]
    return torch.cat(padded, dim=1).flatten(0, 1)


def _remove_borders(tables: Tensor, sizes: list[Size], *, out: Tensor) -> None:
    """Write tables [H S, D] without the borders of their levels."""
    padded_sizes = [(height + 2, width + 2) for height, width in sizes]
    levels = tables.unflatten(0, (len(out), -1)).split([height * width for height, width in padded_sizes], dim=1)
    parts = out.split([height * width for height, width in sizes], dim=1)
    for level, padded_size, size, part in zip(levels, padded_sizes, sizes, parts, strict=True):
        part.unflatten(1, size).copy_(level.unflatten(1, padded_size)[:, 1:-1, 1:-1])


def _find_corners(levels: _Levels, locations: Tensor) -> _Corners:
    """Find the grid points around locations [H, N, L, P, 2]."""
    stride = levels.width + 2  # rows of the table from one grid point to the one below
    tables = torch.arange(0, len(locations) * levels.num_rows, levels.num_rows, dtype=torch.int32)
    left, right_weight = _split_position(locations[..., 0], levels.width)
    top, lower_weight = _split_position(locations[..., 1], levels.height)
    row = top * stride + (left + (tables[:, None, None, None] + levels.start))
    return _Corners(_stack_corners(row, row + 1, row + stride, row + (stride + 1)), right_weight, lower_weight)


def _stack_corners(*numbers: Tensor) -> Tensor:
    """Join the numbers [H, N, L, P] of the four corners of each point, [H N, 4 L P]."""
    return torch.stack(numbers, 2).flatten(2).flatten(0, 1)


def _split_position(location: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """Find the two neighbors of a location along one axis of a level with borders.

    Args:
        location: In 0..1 of the level without borders, [..., L, P]; clamped to the border.
        length: Of the axis without borders, [L, P].

    Returns:
        Index of the neighbor before the location, and interpolation weight of the one behind.
    """
    position = (location * length + 0.5).clamp(torch.zeros_like(location[0, 0]), length + 1)
    index = position.floor().minimum(length)
    return index.to(torch.int32), position - index


def _slope(location: Tensor, length: Tensor) -> Tensor:
    """Derivative of the position in ``_split_position`` with respect to the location: zero where it is clamped."""
    position = location * length + 0.5
    return ((position >= 0) & (position <= length + 1)) * length
