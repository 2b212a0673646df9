"""Mask logits at the size of the original image, tile by tile, with bounds of each tile.

Masks are predicted at stride 4, resized to the padded input, cropped to the image and resized to the original size,
both times bilinearly. So a pixel is a weighted mean of logits at stride 4, and all pixels of a tile lie between the
lowest and the highest logit that they are interpolated from. Where these bounds determine the result, no pixel is
computed: 250 masks of 2048 x 1024 pixels would take 2 GB, and most of a mask is far from its edge.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from mmoneformer.models.masks.axis import AxisGeometry, Step, axis_steps
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.ops.dispatch import tile_side

ROUNDING = 1e-6  # error of float32 interpolation, relative to the greatest magnitude


class TileMasks(NamedTuple):
    """The pixels of n masks in one tile.

    Attributes:
        tile: Index of the tile.
        pixels: Rows and columns of the tile in the original image.
        masks: Indices of the masks, ascending, [n].
        logits: float32 [n, rows, columns].
    """

    tile: int
    pixels: tuple[slice, slice]
    masks: Tensor
    logits: Tensor


class MaskTiles:
    """N masks at the original size, cut into T tiles, row by row.

    Args:
        mask_logits: Logits at stride 4 of the padded input, [N, h, w].
        geometry: Sizes of input, image and result.

    Attributes:
        low: Lower bound of the logits that ``read`` computes in each tile, float32 [N, T].
        high: Upper bound, [N, T].
        area: Number of pixels of each tile, [T].
    """

    def __init__(self, mask_logits: Tensor, geometry: MaskGeometry) -> None:
        device, side = mask_logits.device, tile_side(mask_logits)
        self._mask_logits = mask_logits
        self._rows, self._columns = (
            _cut_axis(mask_logits.shape[axis + 1], AxisGeometry.of(geometry, axis), side, device) for axis in (0, 1)
        )
        low, high = _bounds(mask_logits, self._rows.parts, dim=1)
        low, _ = _bounds(low, self._columns.parts, dim=2)
        _, high = _bounds(high, self._columns.parts, dim=2)
        self.low, self.high = (bound.flatten(1) for bound in with_slack(low, high))
        self.area = (self._rows.lengths[:, None] * self._columns.lengths).flatten()

    def expand(self, values: Tensor) -> Tensor:
        """Give each pixel the value of its tile: [T] to [H, W]."""
        rows, columns = self._rows, self._columns
        grid = values.view(len(rows.parts), len(columns.parts))
        tall = grid.repeat_interleave(rows.lengths, 0, output_size=rows.size)
        return tall.repeat_interleave(columns.lengths, 1, output_size=columns.size)

    def read(self, needed: Tensor) -> Iterator[TileMasks]:
        """Compute the pixels of some masks in some tiles; tiles in which no mask is needed are skipped.

        Args:
            needed: Which masks in which tiles, bool [N, T].
        """
        masks_of_tiles = split_by_tile(needed)
        tiles = enumerate(product(self._rows.parts, self._columns.parts))
        for (tile, (row, column)), masks in zip(tiles, masks_of_tiles, strict=True):
            if len(masks):
                source = self._mask_logits[:, row.source, column.source].index_select(0, masks).float()
                logits = row.resize(column.resize(source, dim=2), dim=1)  # columns first: rows are copied whole
                yield TileMasks(tile, (row.pixels, column.pixels), masks, logits)

    def read_all(self) -> Iterator[TileMasks]:
        """Compute all pixels of all masks."""
        return self.read(torch.ones_like(self.low, dtype=torch.bool))


def with_slack(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Widen the bounds of logits by the rounding error of their interpolation."""
    slack = ROUNDING * torch.maximum(low.abs(), high.abs()).float()
    return low - slack, high + slack


def split_by_tile(needed: Tensor) -> Sequence[Tensor]:
    """Indices of the masks that are needed in each tile, ascending; waits for the device once.

    Args:
        needed: Which masks in which tiles, bool [N, T].
    """
    needed_on_host = needed.T.cpu()
    counts = needed_on_host.count_nonzero(1).tolist()
    return needed_on_host.nonzero()[:, 1].to(needed.device, non_blocking=True).split(counts)


class _Part(NamedTuple):
    """Rows or columns of a tile: which pixels, from which rows or columns at stride 4, by which interpolations."""

    pixels: slice
    source: slice
    steps: tuple[Step, ...]

    def resize(self, values: Tensor, dim: int) -> Tensor:
        for step in self.steps:
            values = step.apply(values, dim)
        return values


class _Axis(NamedTuple):
    """The parts of an axis of the original image, the number of pixels of each, and of all together."""

    parts: list[_Part]
    lengths: Tensor
    size: int


@lru_cache(maxsize=256)  # images often have the same size, and indices are copied to the device
@torch.inference_mode(False)
def _cut_axis(size: int, geometry: AxisGeometry, side: int, device: torch.device) -> _Axis:
    """Cut height or width into parts of at most ``side`` pixels, both of the original and of the resized image."""
    original = geometry.original
    length = max(1, int(side / max(1.0, geometry.image / original)))
    steps = axis_steps(size, geometry)
    pixels = [slice(start, min(start + length, original)) for start in range(0, original, length)]
    lengths = torch.tensor([part.stop - part.start for part in pixels], device=device)
    return _Axis([_cut_part(part, steps, device) for part in pixels], lengths, original)


def _cut_part(pixels: slice, steps: list[Step], device: torch.device) -> _Part:
    """Find what the pixels are interpolated from, step by step backwards."""
    read = pixels
    own_steps: list[Step] = []
    for step in reversed(steps):
        first, second, weight = (part[read] for part in step)
        read = slice(int(first.min()), int(second.max()) + 1)
        own_steps.insert(0, Step(*(part.to(device) for part in (first - read.start, second - read.start, weight))))
    return _Part(pixels, read, tuple(own_steps))


def _bounds(values: Tensor, parts: list[_Part], dim: int) -> tuple[Tensor, Tensor]:
    """Minimum and maximum of what each part of an axis is interpolated from; the axis then has one entry per part."""
    slices = [values.narrow(dim, part.source.start, part.source.stop - part.source.start) for part in parts]
    # one after the other: aminmax is slow along an axis that is not the last
    low, high = (torch.stack([reduce(part, dim) for part in slices], dim) for reduce in (torch.amin, torch.amax))
    return low, high
