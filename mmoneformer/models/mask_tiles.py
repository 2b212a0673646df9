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
from mmdet.structures import DetDataSample
from torch import Tensor

from mmoneformer.models.ops.dispatch import tile_side

Size = tuple[int, int]
FLIPPED = {None: (False, False), 'horizontal': (False, True), 'vertical': (True, False), 'diagonal': (True, True)}
ROUNDING = 1e-6  # error of float32 interpolation, relative to the greatest magnitude


class MaskGeometry(NamedTuple):
    """Heights and widths, in pixels, between which masks are resized and cropped.

    Attributes:
        padded: Of the network's input.
        image: Of the resized image, which is in the top left corner of the input.
        original: Of the original image.
        flipped: Whether the resized image is upside down, and whether it is mirrored.
    """

    padded: Size
    image: Size
    original: Size
    flipped: tuple[bool, bool] = (False, False)

    @classmethod
    def of(cls, sample: DetDataSample, inputs: Tensor) -> 'MaskGeometry':
        """Read the sizes from a data sample and the inputs [B, 3, H, W].

        ``img_shape`` includes what a pipeline pads; the image alone has the size ``ori_shape`` times ``scale_factor``.

        Args:
            sample: Has ``img_shape`` and ``ori_shape``, and maybe ``scale_factor``, ``flip`` and ``flip_direction``.
            inputs: The batch.

        Raises:
            ValueError: If the image is cropped, or padded and flipped.
        """
        shape, original = _size(sample.img_shape), _size(sample.ori_shape)
        image = scaled_size(original, sample.scale_factor) if 'scale_factor' in sample else shape
        direction = sample.get('flip_direction') if sample.get('flip') else None
        if image[0] > shape[0] or image[1] > shape[1]:
            raise ValueError(
                f'{sample.get("img_path")}: the image of {original} pixels is scaled to {image} and then cut to '
                f'{shape} (height, width), so the rest has no result: take the transform that crops out of the test '
                'pipeline'
            )
        if direction and image != shape:
            raise ValueError(
                f'{sample.get("img_path")}: the image is padded from {image} to {shape} (height, width) and flipped '
                f'({direction}), so its place is unknown: take Pad or the flip out of the test pipeline'
            )
        return cls((inputs.shape[-2], inputs.shape[-1]), image, original, FLIPPED[direction])


def scaled_size(size: Size, factor: Sequence[float]) -> Size:
    """Height and width after mmcv's Resize, whose scale factor is that of the width, then that of the height."""
    return int(size[0] * factor[1] + 0.5), int(size[1] * factor[0] + 0.5)


def _size(shape: Sequence[int]) -> Size:
    return int(shape[0]), int(shape[1])


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
        slack = ROUNDING * torch.maximum(low.abs(), high.abs()).float()
        self.low, self.high = (low - slack).flatten(1), (high + slack).flatten(1)
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


def split_by_tile(needed: Tensor) -> Sequence[Tensor]:
    """Indices of the masks that are needed in each tile, ascending; waits for the device once.

    Args:
        needed: Which masks in which tiles, bool [N, T].
    """
    needed_on_host = needed.T.cpu()
    counts = needed_on_host.count_nonzero(1).tolist()
    return needed_on_host.nonzero()[:, 1].to(needed.device, non_blocking=True).split(counts)


class Step(NamedTuple):
    """Linear interpolation to n positions: between two source positions each, with the weight of the second."""

    first: Tensor
    second: Tensor
    weight: Tensor


class _Part(NamedTuple):
    """Rows or columns of a tile: which pixels, from which rows or columns at stride 4, by which interpolations."""

    pixels: slice
    source: slice
    steps: tuple[Step, ...]

    def resize(self, values: Tensor, dim: int) -> Tensor:
        for step in self.steps:
            weight = step.weight if dim == 2 else step.weight[:, None]
            values = torch.lerp(values.index_select(dim, step.first), values.index_select(dim, step.second), weight)
        return values


class AxisGeometry(NamedTuple):
    """``MaskGeometry`` along one axis."""

    padded: int
    image: int
    original: int
    flipped: bool

    @classmethod
    def of(cls, geometry: MaskGeometry, axis: int) -> 'AxisGeometry':
        """That of the rows (0) or of the columns (1)."""
        padded, image, original, flipped = geometry
        return cls(padded[axis], image[axis], original[axis], flipped[axis])


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


def axis_steps(size: int, geometry: AxisGeometry) -> list[Step]:
    """The interpolations from stride 4 to the original image."""
    padded, image, original, flipped = geometry
    steps = [_linear_step(size, padded)] if size != padded else []
    if image != original or flipped:
        last = _linear_step(image, original)
        steps.append(Step(*(part.flip(0) for part in last)) if flipped else last)
    return steps


def _cut_part(pixels: slice, steps: list[Step], device: torch.device) -> _Part:
    """Find what the pixels are interpolated from, step by step backwards."""
    read = pixels
    own_steps: list[Step] = []
    for step in reversed(steps):
        first, second, weight = (part[read] for part in step)
        read = slice(int(first.min()), int(second.max()) + 1)
        own_steps.insert(0, Step(*(part.to(device) for part in (first - read.start, second - read.start, weight))))
    return _Part(pixels, read, tuple(own_steps))


def _linear_step(source: int, target: int) -> Step:
    """Positions and weights of ``F.interpolate(..., mode='bilinear', align_corners=False)`` along one axis."""
    position = ((torch.arange(target) + 0.5) * (source / target) - 0.5).clamp(min=0)
    first = position.to(torch.int64).clamp(max=source - 1)
    return Step(first, (first + 1).clamp(max=source - 1), position - first)


def _bounds(values: Tensor, parts: list[_Part], dim: int) -> tuple[Tensor, Tensor]:
    """Minimum and maximum of what each part of an axis is interpolated from; the axis then has one entry per part."""
    slices = [values.narrow(dim, part.source.start, part.source.stop - part.source.start) for part in parts]
    # one after the other: aminmax is slow along an axis that is not the last
    low, high = (torch.stack([reduce(part, dim) for part in slices], dim) for reduce in (torch.amin, torch.amax))
    return low, high
