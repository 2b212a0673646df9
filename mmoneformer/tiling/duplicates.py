"""Objects that were found twice, by two queries of a tile or in two tiles that see them differently."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from mmoneformer.tiling.grid import Window
from mmoneformer.tiling.runs import Runs

DUPLICATE_IOU = 0.5  # what non-maximum suppression usually takes
CELL = 64  # pixels; objects are compared with those that reach into the same cells


class FoundObject(NamedTuple):
    """An object of the picture.

    Attributes:
        label: Class index.
        score: 0 to 1.
        mask: Its pixels, of which there is one at least.
        box: The window around them.
    """

    label: int
    score: float
    mask: Runs
    box: Window


def without_duplicates(objects: Iterable[FoundObject]) -> list[FoundObject]:
    """Leave out objects that have an IoU above ``DUPLICATE_IOU`` with a better one of their class.

    This is non-maximum suppression, as tiled detection has it (SAHI, arXiv 2202.06934).

    Returns:
        What remains, by score, the highest first.
    """
    kept: list[FoundObject] = []
    in_cell: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for found in sorted(objects, key=lambda found: -found.score):
        cells = list(_cells(found))
        near = {index for cell in cells for index in in_cell[cell]}
        if not _is_among(found, [kept[index] for index in near]):
            for cell in cells:
                in_cell[cell].append(len(kept))
            kept.append(found)
    return kept


def _cells(found: FoundObject) -> Iterator[tuple[int, ...]]:
    """The cells that the box of an object reaches into, each with the class."""
    top, left, bottom, right = found.box
    rows, columns = (range(first // CELL, (stop - 1) // CELL + 1) for first, stop in ((top, bottom), (left, right)))
    return product((found.label,), rows, columns)


def _is_among(found: FoundObject, others: Sequence[FoundObject]) -> bool:
    return any(
        found.box.shared(other.box) is not None and found.mask.iou(other.mask) > DUPLICATE_IOU for other in others
    )
