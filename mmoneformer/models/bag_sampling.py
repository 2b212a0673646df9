"""Deformable attention's sampling on a CPU: a query is a bag of rows, the corners of its points.

One head of one image at a time, whose values a processor's caches hold. ``grid_sample`` reads the same numbers one
by one; ``embedding_bag`` reads whole rows.
"""

from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csr_matrix
from torch import Tensor

from mmoneformer.models.recomputation import run_layer

Size = tuple[int, int]


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


def sample_by_embedding_bag(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    """Sum the weighted bilinear samples of each query.

    In training, it keeps nothing: what sampling would keep takes more memory than time to compute again.
    Arguments and result are those of ``deformable_attention.sample``.
    """
    batch, _, heads, _ = values.shape
    levels = _spread_levels(sizes, num_points=weights.shape[-1])
    slices = (
        part.transpose(1, 2).flatten(0, 1).unbind() for part in (_add_borders(values, sizes), locations, weights)
    )
    sample = partial(run_layer, partial(_sample_head, levels), recompute=True)
    summed = torch.stack([sample(*parts) for parts in zip(*slices, strict=True)])
    return summed.unflatten(0, (batch, heads)).transpose(1, 2).flatten(2)


def _sample_head(levels: _Levels, values: Tensor, locations: Tensor, weights: Tensor) -> Tensor:
    """Sample one head of an image.

    Args:
        levels: Of the values.
        values: With borders, [S', D].
        locations: [queries, L, P, 2].
        weights: [queries, L, P].

    Returns:
        [queries, D].
    """
    line = levels.width + 2  # cells in a row, with the border
    left, right_share = _split_position(locations[..., 0], levels.width)
    top, lower_share = _split_position(locations[..., 1], levels.height)
    row = top * line + (left + levels.start)
    lower = weights * lower_share
    upper = weights - lower
    upper_right, lower_right = upper * right_share, lower * right_share
    shares = [upper - upper_right, upper_right, lower - lower_right, lower_right]
    rows = [row, row + 1, row + line, row + (line + 1)]
    return sum_rows(values, torch.stack(rows, 1).flatten(1), torch.stack(shares, 1).flatten(1))


def sum_rows(values: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Sum weighted rows of a table.

    Args:
        values: [S, D].
        rows: Which rows each sum reads, int32 [N, J].
        weights: [N, J].

    Returns:
        [N, D].
    """
    if not (torch.is_grad_enabled() and values.requires_grad):
        return F.embedding_bag(rows, values, per_sample_weights=weights, mode='sum')
    summed = F.embedding_bag(rows, values.detach(), per_sample_weights=weights, mode='sum')
    return _ValuesGradient.apply(summed, values, rows, weights.detach())


class _ValuesGradient(torch.autograd.Function):
    """The gradient of the values: each row sums those of its readers, which torch adds one by one."""

    @staticmethod
    def forward(ctx: Any, summed: Tensor, values: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(rows, weights)
        ctx.num_values = len(values)
        return summed.view_as(summed)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        rows, weights = ctx.saved_tensors
        count, length = rows.shape
        starts = np.arange(0, count * length + 1, length, dtype=np.int32)
        entries = (weights.flatten().numpy(), rows.flatten().numpy(), starts)
        readers = csr_matrix(entries, shape=(count, ctx.num_values)).tocsc()
        indices, offsets, shares = map(torch.from_numpy, (readers.indices, readers.indptr[:-1], readers.data))
        of_values = F.embedding_bag(indices, gradient.contiguous(), offsets, per_sample_weights=shares, mode='sum')
        return gradient, of_values, None, None


def _spread_levels(sizes: list[Size], num_points: int) -> _Levels:
    starts = accumulate(((height + 2) * (width + 2) for height, width in sizes[:-1]), initial=0)
    heights, widths = zip(*sizes, strict=True)
    numbers = torch.tensor([widths, heights, tuple(starts)], dtype=torch.int32)
    return _Levels(*numbers[..., None].repeat(1, 1, num_points))


def _add_borders(values: Tensor, sizes: list[Size]) -> Tensor:
    """Frame each level with zeros, one cell wide: what is read outside of it."""
    levels = values.split([height * width for height, width in sizes], dim=1)
    framed = [
        F.pad(level.unflatten(1, size), (0, 0, 0, 0, 1, 1, 1, 1)).flatten(1, 2)
        for level, size in zip(levels, sizes, strict=True)
    ]
    return torch.cat(framed, dim=1)


def _split_position(location: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """Where along an axis with a border a sample is taken.

    Args:
        location: 0..1 within the level, [..., L, P]; beyond, it is moved to the border.
        length: Cells of each level without the border, [L, P].

    Returns:
        Index of the cell before it, and the share of the cell behind.
    """
    position = (location * length + 0.5).clamp(torch.zeros_like(location[0]), length + 1)
    cell = position.detach().floor().minimum(length)
    return cell.to(torch.int32), position - cell
