"""The tiles of a picture: rectangles of one size that overlap, the last of each row and column snapped to the edge."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np

Size = tuple[int, int]


class Window(NamedTuple):
    """A rectangle of pixels; ``bottom`` and ``right`` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> Size:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def shared(self, other: 'Window') -> 'Window | None':
        """What two windows have in common; None if that is nothing."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom, right = min(self.bottom, other.bottom), min(self.right, other.right)
        return Window(top, left, bottom, right) if top < bottom and left < right else None

    def inside(self, other: 'Window') -> 'Window':
        """The same pixels, counted from the top left corner of another window."""
        top, left = other.top, other.left
        return Window(self.top - top, self.left - left, self.bottom - top, self.right - left)


class Cell(NamedTuple):
    """A rectangle whose pixels are in the same tiles.

    Attributes:
        window: Where it is.
        tiles: Indices of the tiles that cover it, ascending.
        owner: The one of them that decides: its inner borders are farthest.
    """

    window: Window
    tiles: tuple[int, ...]
    owner: int


class _Part(NamedTuple):
    """Rows or columns that are in the same tiles of an axis."""

    start: int
    stop: int
    tiles: tuple[int, ...]
    owner: int


class TileGrid:
    """Cuts a picture into tiles, row by row.

    Args:
        size: Height and width of the picture, in pixels.
        tile: Side of a tile; a side of the picture that is shorter is not cut.
        overlap: Pixels that neighboring tiles share at least.

    Attributes:
        size: Height and width of the picture.
        overlap: As given.
        windows: The tiles.

    Raises:
        ValueError: If the side is not positive, or the overlap is negative or more than half of the side.
    """

    def __init__(self, size: Size, tile: int, overlap: int) -> None:
        if tile < 1:
            raise ValueError(f'tile must be a side of at least 1 pixel, got {tile}')
        if not 0 <= overlap <= tile // 2:
            raise ValueError(f'overlap must be from 0 to half of the tile of {tile} pixels, got {overlap}')
        self.size = size
        self.overlap = overlap
        self._rows, self._columns = (_cut_axis(length, tile, overlap) for length in size)
        self.windows = [
            Window(top, left, bottom, right) for (top, bottom), (left, right) in product(self._rows, self._columns)
        ]

    def __len__(self) -> int:
        return len(self.windows)

    def touches_inner_border(self, tile: int, box: Window) -> bool:
        """Whether a box reaches a side of its tile that is no side of the picture."""
        window, (height, width) = self.windows[tile], self.size
        return (
            (box.top == window.top > 0)
            or (box.left == window.left > 0)
            or (box.bottom == window.bottom < height)
            or (box.right == window.right < width)
        )

    def owned(self, tile: int) -> Window:
        """The pixels that a tile decides; every pixel of the picture is decided by one."""
        row, column = divmod(tile, len(self._columns))
        (top, bottom), (left, right) = _owned(self._rows, row), _owned(self._columns, column)
        return Window(top, left, bottom, right)

    def weights(self, tile: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """How much a tile counts at pixels of the picture: more with the distance to the borders inside the picture.

        Args:
            tile: Index of the tile.
            rows: Rows of P pixels of the tile.
            columns: Their columns.

        Returns:
            Weights above 0, float32 [P].
        """
        window, (height, width) = self.windows[tile], self.size
        down = self._falling(rows, window.top, window.bottom, height)
        return down * self._falling(columns, window.left, window.right, width)

    def _falling(self, places: np.ndarray, start: int, stop: int, length: int) -> np.ndarray:
        weights = np.full(len(places), max(self.overlap, 1), np.float32)
        if start > 0:
            weights = np.minimum(weights, places + np.float32(0.5 - start))
        if stop < length:
            weights = np.minimum(weights, np.float32(stop - 0.5) - places)
        return weights.astype(np.float32)

    @cached_property
    def neighbors(self) -> list[list[int]]:
        """For each tile, those before it that share pixels with it, ascending."""
        across, down = len(self._columns), len(self._rows)
        near_rows, near_columns = (_overlapping(spans) for spans in (self._rows, self._columns))
        return [
            [other for r, c in product(near_rows[row], near_columns[column]) if (other := r * across + c) < tile]
            for tile, (row, column) in enumerate(product(range(down), range(across)))
        ]

    def cells(self) -> Iterator[list[Cell]]:
        """Cut the picture into cells: one list for the cells of equal rows, from top to bottom."""
        across, columns = len(self._columns), _parts(self._columns)
        for rows in _parts(self._rows):
            yield [
                Cell(
                    Window(rows.start, part.start, rows.stop, part.stop),
                    tuple(row * across + column for row in rows.tiles for column in part.tiles),
                    rows.owner * across + part.owner,
                )
                for part in columns
            ]


Spans = Sequence[tuple[int, int]]


def _cut_axis(length: int, tile: int, overlap: int) -> Spans:
    """Starts and stops of the tiles along an axis."""
    if length <= tile:
        return [(0, length)]
    starts = [*range(0, length - tile, tile - overlap), length - tile]
    return [(start, start + tile) for start in starts]


def _owned(spans: Spans, index: int) -> tuple[int, int]:
    """Start and stop of what a tile decides: overlaps are divided in the middle."""
    start = (spans[index - 1][1] + spans[index][0]) // 2 if index else spans[0][0]
    stop = (spans[index][1] + spans[index + 1][0]) // 2 if index + 1 < len(spans) else spans[-1][1]
    return start, stop


def _overlapping(spans: Spans) -> list[list[int]]:
    return [
        [other for other, (first, last) in enumerate(spans) if first < stop and start < last] for start, stop in spans
    ]


def _parts(spans: Spans) -> list[_Part]:
    owned = [_owned(spans, index) for index in range(len(spans))]
    edges = sorted({edge for span in (*spans, *owned) for edge in span})
    parts = []
    for start, stop in zip(edges, edges[1:], strict=False):
        tiles = tuple(index for index, (first, last) in enumerate(spans) if first <= start and stop <= last)
        owner = next(index for index in tiles if owned[index][0] <= start and stop <= owned[index][1])
        parts.append(_Part(start, stop, tiles, owner))
    return parts
