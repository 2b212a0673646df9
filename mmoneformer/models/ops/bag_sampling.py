"""Deformable attention's sampling on a CPU: a query is a bag of rows, the corners of its points.

One head of one image at a time, whose values a processor's caches hold. ``grid_sample`` reads the same numbers one
by one; ``embedding_bag`` reads whole rows. The gradient finds the corners again: to keep them would take more memory
than time to compute them.
"""

import warnings
from collections.abc import Iterator
from itertools import accumulate, product
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csr_matrix
from torch import Tensor

Size = tuple[int, int]

# what is used of them here is stable
warnings.filterwarnings('ignore', 'Sparse CSR tensor support is in beta', category=UserWarning)


class _Levels(NamedTuple):
    """Numbers of each level, spread over the points (a broadcast axis of a few numbers is slow), int32 [L, P].

    Attributes:
        width: Cells of a row.
        height: Cells of a column.
        start: Row of values at which the level begins, behind those of the levels before it, borders included.
    """

    width: Tensor
    height: Tensor
    start: Tensor


class _Corners(NamedTuple):
    """The four cells around each point, upper left, upper right, lower left, lower right.

    Attributes:
        rows: Their rows of the values with borders, int32 [N, 4 L P].
        right: Share of the right ones, [N, L, P].
        lower: Share of the lower ones, [N, L, P].
    """

    rows: Tensor
    right: Tensor
    lower: Tensor

    def shares(self, weights: Tensor) -> Tensor:
        """Parts of the points' weights [N, L, P] that fall on the corners, [N, 4 L P]."""
        lower = weights * self.lower
        upper = weights - lower
        upper_right, lower_right = upper * self.right, lower * self.right
        return torch.stack((upper - upper_right, upper_right, lower - lower_right, lower_right), 1).flatten(1)

    def interpolate(self, numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Interpolate between numbers of the corners, [N, 4, L, P].

        Returns:
            The interpolated numbers, and how they change with the right and with the lower share; [N, L, P] each.
        """
        upper_left, upper_right, lower_left, lower_right = numbers.unbind(1)
        upper, lower = upper_left.lerp(upper_right, self.right), lower_left.lerp(lower_right, self.right)
        by_right = (upper_right - upper_left).lerp(lower_right - lower_left, self.lower)
        return upper.lerp(lower, self.lower), by_right, lower - upper


def sample_by_embedding_bag(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    """Sum the weighted bilinear samples of each query.

    Arguments and result are those of ``deformable_attention.sample``.
    """
    return _BagSampling.apply(values, locations, weights, sizes)


class _BagSampling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, locations: Tensor, weights: Tensor, sizes: list[Size]) -> Tensor:
        ctx.save_for_backward(values, locations, weights)
        ctx.sizes = sizes
        levels = _spread_levels(sizes, num_points=weights.shape[-1])
        summed = values.new_empty(*weights.shape[:3], values.shape[-1])
        for value, where, weight, out in _heads(values, locations, weights, summed):
            corners, framed = _find_corners(levels, where), _add_borders(value, sizes)
            out.copy_(F.embedding_bag(corners.rows, framed, per_sample_weights=corners.shares(weight), mode='sum'))
        return summed.flatten(2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        values, locations, weights = inputs = ctx.saved_tensors
        of_values, of_locations, of_weights = gradients = tuple(map(torch.empty_like, inputs))
        levels = _spread_levels(ctx.sizes, num_points=weights.shape[-1])
        of_sums = gradient.unflatten(-1, values.shape[2:])
        for value, where, weight, of_sum, of_value, of_where, of_weight in _heads(*inputs, of_sums, *gradients):
            corners, framed = _find_corners(levels, where), _add_borders(value, ctx.sizes)
            of_sum = of_sum.contiguous()
            of_framed = grad_values(corners.rows, corners.shares(weight), of_sum, len(framed))
            _remove_borders(of_framed, ctx.sizes, out=of_value)
            of_shares = products_with_rows(framed, corners.rows, of_sum).unflatten(1, (4, *weight.shape[1:]))
            interpolated, by_right, by_lower = corners.interpolate(of_shares)
            of_weight.copy_(interpolated)
            of_where[..., 0] = by_right.mul_(weight).mul_(_slope(where[..., 0], levels.width))
            of_where[..., 1] = by_lower.mul_(weight).mul_(_slope(where[..., 1], levels.height))
        return of_values, of_locations, of_weights, None


def grad_values(rows: Tensor, weights: Tensor, gradient: Tensor, num_values: int) -> Tensor:
    """The gradient of a table whose weighted rows were summed: each row sums those of its readers.

    Args:
        rows: Which rows each sum reads, int32 [N, J].
        weights: [N, J].
        gradient: Of the sums, [N, D].
        num_values: Rows of the table, S.

    Returns:
        [S, D].
    """
    count, length = rows.shape
    starts = np.arange(0, count * length + 1, length, dtype=np.int32)
    entries = (weights.flatten().numpy(), rows.flatten().numpy(), starts)
    readers = csr_matrix(entries, shape=(count, num_values)).tocsc()
    indices, offsets, shares = map(torch.from_numpy, (readers.indices, readers.indptr[:-1], readers.data))
    return F.embedding_bag(indices, gradient, offsets, per_sample_weights=shares, mode='sum')


def products_with_rows(values: Tensor, rows: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of the weights of summed rows: dot products of those rows with the gradient.

    Args:
        values: The table, [S, D].
        rows: Which rows each sum reads, int32 [N, J].
        gradient: Of the sums, [N, D].

    Returns:
        [N, J].
    """
    count, length = rows.shape
    starts = torch.arange(0, count * length + 1, length, dtype=rows.dtype)
    numbers = torch.zeros(rows.numel(), dtype=values.dtype)
    read = torch.sparse_csr_tensor(starts, rows.flatten(), numbers, (count, len(values)), check_invariants=False)
    return torch.sparse.sampled_addmm(read, gradient, values.mT, beta=0).values().view(rows.shape)


def _heads(*parts: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Views of each head of each image, of tensors [B, length, G, ...]."""
    for image, head in product(range(len(parts[0])), range(parts[0].shape[2])):
        yield tuple(part[image, :, head] for part in parts)


def _spread_levels(sizes: list[Size], num_points: int) -> _Levels:
    starts = accumulate(((height + 2) * (width + 2) for height, width in sizes[:-1]), initial=0)
    heights, widths = zip(*sizes, strict=True)
    numbers = torch.tensor([widths, heights, tuple(starts)], dtype=torch.int32)
    return _Levels(*numbers[..., None].repeat(1, 1, num_points))


def _add_borders(values: Tensor, sizes: list[Size]) -> Tensor:
    """MaskGeometry each level of [S, D] with zeros, one cell wide: what is read outside of it."""
    levels = values.split([height * width for height, width in sizes])
    framed = [
        F.pad(level.unflatten(0, size), (0, 0, 1, 1, 1, 1)).flatten(0, 1)
        for level, size in zip(levels, sizes, strict=True)
    ]
    return torch.cat(framed)


def _remove_borders(framed: Tensor, sizes: list[Size], *, out: Tensor) -> None:
    """Write what the frames enclose, [S, D]."""
    framed_sizes = [(height + 2, width + 2) for height, width in sizes]
    levels = framed.split([height * width for height, width in framed_sizes])
    parts = out.split([height * width for height, width in sizes])
    for level, framed_size, size, part in zip(levels, framed_sizes, sizes, parts, strict=True):
        part.unflatten(0, size).copy_(level.unflatten(0, framed_size)[1:-1, 1:-1])


def _find_corners(levels: _Levels, locations: Tensor) -> _Corners:
    """Find the cells around points [N, L, P, 2]."""
    line = levels.width + 2  # cells in a row, with the border
    left, right_share = _split_position(locations[..., 0], levels.width)
    top, lower_share = _split_position(locations[..., 1], levels.height)
    row = top * line + (left + levels.start)
    rows = torch.stack((row, row + 1, row + line, row + (line + 1)), 1).flatten(1)
    return _Corners(rows, right_share, lower_share)


def _split_position(location: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """Where along an axis with a border a sample is taken.

    Args:
        location: 0..1 within the level, [..., L, P]; beyond, it is moved to the border.
        length: Cells of each level without the border, [L, P].

    Returns:
        Index of the cell before it, and the share of the cell behind.
    """
    position = (location * length + 0.5).clamp(torch.zeros_like(location[0]), length + 1)
    cell = position.floor().minimum(length)
    return cell.to(torch.int32), position - cell


def _slope(location: Tensor, length: Tensor) -> Tensor:
    """How fast a position moves with its location: not at all beyond the border. Arguments of ``_split_position``."""
    position = location * length + 0.5
    return ((position >= 0) & (position <= length + 1)) * length
