"""The label map of a picture from those of its tiles."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.tiling.context import Context
from mmoneformer.tiling.grid import Cell, TileGrid
from mmoneformer.tiling.tile import TileResult
from mmoneformer_deploy.result_dicts import NO_CLASS, ResultDict, semantic_dict


class SemanticMerger:
    """Averages the class scores of tiles where they overlap, and chooses the class with the highest at each pixel.

    The weight of a tile falls toward those of its borders that are inside the picture. Where all tiles of a pixel
    choose the same class, so does any average: scores are computed at the other pixels alone. They are needed until
    the next row of tiles is there, so no more than a strip of tiles is kept.

    Args:
        grid: The tiles.
        metainfo: The classes.
        context: Result of the reduced picture, whose stuff replaces that of the tiles.
    """

    def __init__(self, grid: TileGrid, metainfo: Metainfo, context: ResultDict | None = None) -> None:
        self._grid = grid
        self._context = None if context is None else Context.of_semantic(context, grid.size, metainfo)
        self._is_stuff = np.ones(NO_CLASS + 1, bool)
        self._is_stuff[[*metainfo['thing_ids'], NO_CLASS]] = False
        self._labels = np.full(grid.size, NO_CLASS, np.uint8)
        self._cells: dict[int, list[Cell]] = defaultdict(list)  # by the last of their tiles
        self._last_use: dict[int, int] = {}
        for cell in (cell for row in grid.cells() for cell in row):
            last = cell.tiles[-1]
            self._cells[last].append(cell)
            self._last_use |= {tile: max(last, self._last_use.get(tile, 0)) for tile in cell.tiles}
        self._tiles: dict[int, TileResult] = {}
        self._decided = 0  # cells of tiles before this one

    def add(self, tile: TileResult) -> None:
        """Add the labels of a tile, and decide the pixels that no later tile has."""
        self._tiles[tile.tile] = tile
        self._decide_before(tile.tile + 1)

    def result(self) -> ResultDict:
        """The labels of the picture."""
        self._decide_before(len(self._grid))
        return semantic_dict(self._labels)

    def _decide_before(self, end: int) -> None:
        for last in range(self._decided, end):
            for cell in self._cells[last]:
                tiles = [self._tiles[number] for number in cell.tiles if number in self._tiles]
                if tiles:
                    self._labels[cell.window.pixels] = self._decide(cell, tiles)
        self._decided = end
        self._tiles = {number: tile for number, tile in self._tiles.items() if self._last_use[number] >= end}

    def _decide(self, cell: Cell, tiles: Sequence[TileResult]) -> np.ndarray:
        """Labels of the pixels of a cell, uint8 [h, w], from the tiles that have it."""
        seen = [self._labels_in(cell, tile) for tile in tiles]
        labels, disagree = seen[0].copy(), np.zeros(seen[0].shape, bool)
        for other in seen[1:]:
            disagree |= other != labels
        rows, columns = np.nonzero(disagree)
        if len(rows):
            labels[rows, columns] = self._average(tiles, rows + cell.window.top, columns + cell.window.left)
        if self._context is not None:
            whole = self._context.read(cell.window)
            replaced = self._is_stuff[labels] & (whole != NO_CLASS)
            labels[replaced] = whole[replaced]
        return labels

    def _labels_in(self, cell: Cell, tile: TileResult) -> np.ndarray:
        pixels = cell.window.inside(self._grid.windows[tile.tile]).pixels
        labels = tile.result['label_map'][pixels]
        return labels if tile.valid is None else np.where(tile.valid[pixels], labels, np.uint8(NO_CLASS))

    def _average(self, tiles: Sequence[TileResult], rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The class with the highest average score at pixels of the picture."""
        total = np.zeros((), np.float32)
        for tile in tiles:
            window = self._grid.windows[tile.tile]
            weights = self._grid.weights(tile.tile, rows, columns)
            total = total + weights * tile.scores(rows - window.top, columns - window.left)
        return total.argmax(0)
