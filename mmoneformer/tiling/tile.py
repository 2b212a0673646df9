"""What a merger gets of each tile."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mmoneformer_deploy.result_dicts import ResultDict

# Given the rows and the columns of P pixels of a tile: the score of each class there, float32 [K, P]
Scores = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class TileResult:
    """The result of one task in a tile of h x w pixels.

    Attributes:
        tile: Index of the tile.
        result: Its dict, as the task's entry of ``as_dict``.
        scores: Computes the semantic scores of pixels.
        valid: Which pixels count, bool [h, w]; None for all.
    """

    tile: int
    result: ResultDict
    scores: Scores
    valid: np.ndarray | None = None


class Merger(Protocol):
    """Merges the results of a task, tile by tile, in the order of the grid; tiles without a valid pixel are left out.

    The result of a picture is the dict of ``as_dict``, with ``id_map`` of uint32. Pixels that no tile has, or that do
    not count, are 0 in it, and 255 in ``label_map``.
    """

    def add(self, tile: TileResult) -> None:
        """Add the result of a tile."""

    def result(self) -> ResultDict:
        """The result of the picture, after all tiles were added."""
