"""Masks in a large picture as runs of pixels, so that no mask needs an array of the size of the picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmoneformer.tiling.grid import Window
from mmoneformer_deploy.run_lengths import RunLengths, edges_of, edges_of_part, encode_edges


class Runs:
    """A mask as the vertical runs of its pixels, each inside one column.

    The pixels of the picture are counted column by column, as in COCO's run lengths.

    Args:
        starts: First pixel of each run, ascending, int64 [R].
        stops: The pixel behind each run, [R].
        height: Of the picture.
    """

    def __init__(self, starts: np.ndarray, stops: np.ndarray, height: int) -> None:
        self.starts = starts
        self.stops = stops
        self.height = height

    @classmethod
    def of_mask(cls, mask: np.ndarray, top: int, left: int, height: int) -> 'Runs':
        """Encode a mask, bool [h, w], whose first pixel is at ``top`` and ``left`` of a picture of some height."""
        edges = edges_of_part(mask.T, top, left, height)
        return cls(edges[::2], edges[1::2], height)

    @classmethod
    def of_rle(cls, mask: Mapping[str, Any], window: Window, height: int) -> 'Runs':
        """Convert COCO's run lengths of the mask in a window."""
        edges, rows = edges_of(mask), mask['size'][0]
        first, last = edges[::2] // rows, (edges[1::2] - 1) // rows  # columns in which a run begins and ends
        pieces = last - first + 1
        run = np.repeat(np.arange(len(pieces)), pieces)
        column = first[run] + np.arange(len(run)) - np.repeat(pieces.cumsum() - pieces, pieces)
        starts = np.maximum(edges[::2][run], column * rows)
        stops = np.minimum(edges[1::2][run], (column + 1) * rows)
        offset = column * (height - rows) + window.left * height + window.top
        return cls(starts + offset, stops + offset, height)

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int((self.stops - self.starts).sum())

    @property
    def box(self) -> Window:
        """The window around the mask, which must have a pixel."""
        columns, tops = np.divmod(self.starts, self.height)
        bottoms = self.stops - columns * self.height
        return Window(int(tops.min()), int(columns[0]), int(bottoms.max()), int(columns[-1]) + 1)

    def within(self, window: Window) -> 'Runs':
        """The part of the mask in a window."""
        first, last = np.searchsorted(self.starts, (window.left * self.height, window.right * self.height))
        starts, stops = self.starts[first:last], self.stops[first:last]
        columns = starts // self.height * self.height
        starts, stops = np.maximum(starts, columns + window.top), np.minimum(stops, columns + window.bottom)
        kept = starts < stops
        return Runs(starts[kept], stops[kept], self.height)

    def shared_area(self, other: 'Runs') -> int:
        """Number of pixels that are in both masks."""
        return int((other._count_before(self.stops) - other._count_before(self.starts)).sum())

    def iou(self, other: 'Runs') -> float:
        """Shared pixels among those of both masks, 0 to 1; one of them must have a pixel."""
        shared = self.shared_area(other)
        return shared / (self.area + other.area - shared)

    def _count_before(self, places: np.ndarray) -> np.ndarray:
        """Number of pixels of the mask before each place."""
        run = np.searchsorted(self.starts, places, side='right')
        area = np.concatenate([[0], (self.stops - self.starts).cumsum()])
        stop = np.concatenate([[0], self.stops])
        return area[run] - np.maximum(stop[run] - places, 0)

    @classmethod
    def union(cls, masks: Sequence['Runs']) -> 'Runs':
        """The pixels that are in any of some masks of a picture."""
        if len(masks) == 1:
            return masks[0]
        starts, stops = (np.concatenate(parts) for parts in zip(*((m.starts, m.stops) for m in masks), strict=True))
        order = np.argsort(starts, kind='stable')
        starts, reached, height = starts[order], np.maximum.accumulate(stops[order]), masks[0].height
        columns = starts // height
        begins = np.ones(len(starts), bool)
        begins[1:] = (starts[1:] > reached[:-1]) | (columns[1:] > columns[:-1])
        heads = np.flatnonzero(begins)
        return cls(starts[heads], reached[np.append(heads[1:], len(starts)) - 1], height)

    def without(self, other: 'Runs') -> 'Runs':
        """The pixels that are not in another mask."""
        edges = np.sort(np.concatenate([self.starts, self.stops, other.starts, other.stops]))
        starts, stops = edges[:-1], edges[1:]
        in_self, in_other = (mask._count_before(stops) - mask._count_before(starts) for mask in (self, other))
        kept = (starts < stops) & (in_self > 0) & (in_other == 0)
        return Runs(starts[kept], stops[kept], self.height)

    def to_rle(self, width: int) -> RunLengths:
        """COCO's run lengths of the mask in the picture."""
        return encode_edges(np.stack([self.starts, self.stops], axis=1).ravel(), (self.height, width))
