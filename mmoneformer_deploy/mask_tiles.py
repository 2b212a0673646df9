"""Mask logits at the size of the original image, tile by tile, with bounds of each tile.

Masks are predicted at stride 4, resized to the padded input, cropped to the image and resized to the original size,
both times bilinearly. So a pixel is a weighted mean of logits at stride 4, and all pixels of a tile lie between the
lowest and the highest logit that they are interpolated from. Where these bounds determine the result, no pixel is
computed. ``mmoneformer.models.masks.tiles`` does the same with torch.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

Size = tuple[int, int]
SIDE = 64  # of a tile, in pixels: its masks stay in the caches
ROUNDING = 1e-6  # error of float32 interpolation, relative to the greatest magnitude


class MaskGeometry(NamedTuple):
    """Heights and widths, in pixels, between which masks are resized and cropped.

    Attributes:
        padded: Of the network's input.
        image: Of the resized image, which is in the top left corner of the input.
        original: Of the original image.
    """

    padded: Size
    image: Size
    original: Size


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
    masks: np.ndarray
    logits: np.ndarray


class MaskTiles:
    """N masks at the original size, cut into T tiles, column by column.

    Args:
        mask_logits: Logits at stride 4 of the padded input, float32 [N, h, w].
        geometry: Sizes of input, image and result.

    Attributes:
        low: Lower bound of the logits that ``read`` computes in each tile, float32 [N, T].
        high: Upper bound, [N, T].
        area: Number of pixels of each tile, [T].
    """

    def __init__(self, mask_logits: np.ndarray, geometry: MaskGeometry) -> None:
        self._mask_logits = mask_logits
        padded, image, original = geometry
        height, width = mask_logits.shape[1:]
        self._rows = _cut_axis(height, padded[0], image[0], original[0])
        self._columns = _cut_axis(width, padded[1], image[1], original[1])
        low, high = (_bounds(mask_logits, self._rows, self._columns, bound) for bound in (np.minimum, np.maximum))
        slack = ROUNDING * np.maximum(np.abs(low), np.abs(high))
        self.low, self.high = low - slack, high + slack
        self.area = np.outer(_lengths(self._columns), _lengths(self._rows)).ravel()

    def expand(self, values: np.ndarray) -> np.ndarray:
        """Give each pixel the value of its tile: [T] to [H, W]."""
        columns, rows = _lengths(self._columns), _lengths(self._rows)
        return values.reshape(len(columns), len(rows)).T.repeat(rows, 0).repeat(columns, 1)

    def read(self, needed: np.ndarray) -> Iterator[TileMasks]:
        """Compute the pixels of some masks in some tiles; tiles in which no mask is needed are skipped.

        Args:
            needed: Which masks in which tiles, bool [N, T].
        """
        for tile, (column, row) in enumerate(product(self._columns, self._rows)):
            masks = np.flatnonzero(needed[:, tile])
            if len(masks):
                source = self._mask_logits[masks, row.source, column.source]
                logits = row.weights @ (source @ column.weights.T)
                yield TileMasks(tile, (row.pixels, column.pixels), masks, logits)


class _Part(NamedTuple):
    """Rows or columns of a tile, and what they are interpolated from.

    Attributes:
        pixels: Rows or columns of the original image, n of them.
        source: Rows or columns at stride 4, m of them.
        weights: Their weights for each pixel, float32 [n, m].
    """

    pixels: slice
    source: slice
    weights: np.ndarray


class _Step(NamedTuple):
    """Linear interpolation to n positions: between two source positions each, with the weight of the second."""

    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray


@lru_cache(maxsize=64)  # images often have the same size
def _cut_axis(size: int, padded: int, image: int, original: int) -> list[_Part]:
    """Cut height or width into parts of at most ``SIDE`` pixels, both of the original and of the resized image."""
    length = max(1, int(SIDE / max(1.0, image / original)))
    steps = [
        _linear_step(source, target) for source, target in ((size, padded), (image, original)) if source != target
    ]
    return [_cut_part(slice(start, min(start + length, original)), steps) for start in range(0, original, length)]


def _cut_part(pixels: slice, steps: list[_Step]) -> _Part:
    """Find what the pixels are interpolated from, step by step backwards; the steps together are a matrix."""
    read, weights = pixels, np.eye(pixels.stop - pixels.start)
    for step in reversed(steps):
        first, second, weight = (part[read] for part in step)
        read = slice(int(first.min()), int(second.max()) + 1)
        matrix = np.zeros((len(first), read.stop - read.start))
        rows = np.arange(len(first))
        np.add.at(matrix, (rows, first - read.start), 1 - weight)
        np.add.at(matrix, (rows, second - read.start), weight)
        weights = weights @ matrix
    return _Part(pixels, read, weights.astype(np.float32))


def _linear_step(source: int, target: int) -> _Step:
    """Positions and weights of bilinear interpolation along one axis, of pixels whose centers are at 0.5, 1.5, ..."""
    position = np.maximum((np.arange(target) + 0.5) * (source / target) - 0.5, 0)
    first = np.minimum(position.astype(int), source - 1)
    return _Step(first, np.minimum(first + 1, source - 1), position - first)


def _lengths(parts: list[_Part]) -> np.ndarray:
    """Number of pixels of each part."""
    return np.array([part.pixels.stop - part.pixels.start for part in parts])


def _bounds(values: np.ndarray, rows: list[_Part], columns: list[_Part], bound: np.ufunc) -> np.ndarray:
    """Minimum or maximum of what each tile of each mask is interpolated from: [N, h, w] to [N, T]."""
    bands = np.stack([bound.reduce(values[:, part.source], axis=1) for part in rows], axis=1)
    tiles = [bound.reduce(bands[:, :, part.source], axis=2) for part in columns]
    return np.concatenate(tiles, axis=1)
