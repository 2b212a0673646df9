"""Masks as COCO's compressed run lengths, as pycocotools writes them.

The pixels are counted column by column: the lengths of the runs, outside and inside of the mask in turn. From the
fourth on, each is stored as the difference to the one before the last, in groups of five bits, lowest first.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

GROUP, SIGN, CONTINUES = (
    31,
    16,
    32,
)  # bits of a character: its value; its sign; whether more follow
FIRST = 48  # the character of zero
LONGEST = 13  # characters of a number of 64 bits

RunLengths = dict[str, Any]


def find_edges(columns: np.ndarray) -> np.ndarray:
    """Find where the runs of some columns of a mask begin and end.

    Args:
        columns: bool [w, H].

    Returns:
        Numbers of pixels, counted column by column, ascending: the first of a run, the one behind it, and so on.
    """
    pixels = np.zeros(columns.size + 2, bool)
    pixels[1:-1] = columns.ravel()
    return np.flatnonzero(pixels[1:] != pixels[:-1])


def edges_of_part(columns: np.ndarray, top: int, left: int, height: int) -> np.ndarray:
    """Find the edges of a mask that is empty outside of a part.

    Args:
        columns: The part, bool [w, h].
        top: Row of its first pixel in the mask.
        left: Column of its first pixel.
        height: Of the mask.

    Returns:
        As ``find_edges``; no run continues in the next column.
    """
    width, rows = columns.shape
    framed = np.zeros((width, rows + 1), bool)
    framed[:, :rows] = columns
    edges = find_edges(framed)
    return edges + (edges // (rows + 1)) * (height - rows - 1) + left * height + top


def encode_edges(edges: np.ndarray, size: tuple[int, int]) -> RunLengths:
    """Encode a mask.

    Args:
        edges: As from ``find_edges``; a run may begin where another ends.
        size: Height and width of the mask.

    Returns:
        ``size``, and ``counts``, a text.
    """
    repeated = np.flatnonzero(edges[1:] == edges[:-1])
    edges = np.delete(edges, np.concatenate([repeated, repeated + 1]))
    counts = np.diff(edges, prepend=0, append=size[0] * size[1])
    return {'size': list(size), 'counts': _compress(counts if counts[-1] else counts[:-1])}


def box_of(edges: np.ndarray, height: int) -> tuple[int, int, int, int]:
    """The box around a mask: x1, y1, x2, y2 in pixels, the last two exclusive; zeros for an empty mask.

    Args:
        edges: As in ``encode_edges``.
        height: Of the mask.
    """
    if len(edges) == 0:
        return 0, 0, 0, 0
    left, top = np.divmod(edges[::2], height)
    right, bottom = np.divmod(edges[1::2] - 1, height)
    spans = right > left  # a run over several columns reaches from the bottom of one to the top of the next
    top, bottom = np.where(spans, 0, top), np.where(spans, height - 1, bottom)
    return int(left[0]), int(top.min()), int(right[-1]) + 1, int(bottom.max()) + 1


def mask_area(mask: Mapping[str, Any]) -> int:
    """Number of pixels inside a mask, given as run lengths."""
    return int(_expand(mask['counts'])[1::2].sum())


def decode_mask(mask: Mapping[str, Any]) -> np.ndarray:
    """The pixels of a mask, given as run lengths: bool [H, W]."""
    counts = _expand(mask['counts'])
    is_inside = np.arange(len(counts)) % 2 == 1
    return is_inside.repeat(counts).reshape(mask['size'][::-1]).T


def edges_of(mask: Mapping[str, Any]) -> np.ndarray:
    """The edges of a mask, given as run lengths, as ``find_edges`` finds them."""
    counts = _expand(mask['counts'])
    return counts.cumsum()[: len(counts) // 2 * 2]


def pixels_inside(mask: Mapping[str, Any]) -> np.ndarray:
    """Numbers of the pixels inside a mask, given as run lengths: ascending, counted column by column."""
    edges = edges_of(mask)
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    before = lengths.cumsum() - lengths
    return (starts - before).repeat(lengths) + np.arange(lengths.sum())


def _expand(text: str) -> np.ndarray:
    """The lengths of the runs."""
    codes = np.frombuffer(text.encode(), np.uint8).astype(np.int64) - FIRST
    is_last = (codes & CONTINUES) == 0
    starts = np.flatnonzero(np.concatenate([[True], is_last[:-1]]))
    lengths = np.diff(starts, append=len(codes))
    places = np.arange(len(codes)) - np.repeat(starts, lengths)
    values = np.add.reduceat((codes & GROUP) << (5 * places), starts)
    counts = np.where(codes[is_last] & SIGN, values - (1 << (5 * lengths)), values)
    for first in (1, 2):
        counts[first::2] = counts[first::2].cumsum()
    return counts


def _compress(counts: np.ndarray) -> str:
    rest = counts.copy()
    rest[3:] -= counts[1:-2]
    characters = np.zeros((len(counts), LONGEST), np.uint8)
    unfinished = np.ones(len(counts), bool)
    for place in range(LONGEST):
        group, rest = rest & GROUP, rest >> 5
        continues = np.where(group & SIGN, rest != -1, rest != 0)
        characters[:, place] = (group + continues * CONTINUES + FIRST) * unfinished
        unfinished &= continues
        if not unfinished.any():
            break
    return characters[characters > 0].tobytes().decode()
