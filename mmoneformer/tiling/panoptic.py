"""The panoptic map of a picture from those of its tiles."""

from collections.abc import Mapping

import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.tiling.context import Context
from mmoneformer.tiling.grid import Cell, TileGrid, Window
from mmoneformer.tiling.run_map import RunMap
from mmoneformer.tiling.runs import Runs
from mmoneformer.tiling.segment_table import SegmentTable
from mmoneformer.tiling.things import Things
from mmoneformer.tiling.tile import TileResult
from mmoneformer_deploy.result_dicts import ResultDict


class PanopticMerger:
    """Unites the things of tiles (``Things``), and the stuff of each class, which is one segment.

    A pixel of several tiles goes to a thing that one of them sees as a whole, that with the highest score of several;
    else to what the tile sees whose borders are farthest; else, where that gives way or is void, to what another tile
    sees (``SegmentTable``).

    Args:
        grid: The tiles.
        metainfo: The classes.
        context: Result of the reduced picture, whose stuff replaces that of the tiles.
    """

    def __init__(self, grid: TileGrid, metainfo: Metainfo, context: ResultDict | None = None) -> None:
        self._grid = grid
        self._metainfo = metainfo
        self._context = None if context is None else Context.of_panoptic(context, grid.size)
        self._things = Things(grid)
        self._maps: dict[int, RunMap] = {}
        self._segments: dict[int, list[ResultDict]] = {}

    def add(self, tile: TileResult) -> None:
        """Add the map of a tile, in which segment n has the id n + 1."""
        id_map, segments = tile.result['id_map'], tile.result['segments']
        if tile.valid is not None:
            id_map = np.where(tile.valid, id_map, len(segments) + 1)
        self._maps[tile.tile], self._segments[tile.tile] = RunMap(id_map), segments
        window, height = self._grid.windows[tile.tile], self._grid.size[0]
        found = []
        for number, segment in enumerate(segments):
            if segment['is_thing']:
                left, top, right, bottom = segment['bbox']
                mask = id_map[top:bottom, left:right] == segment['id']
                runs = Runs.of_mask(mask, window.top + top, window.left + left, height)
                found.append((number, segment['label'], segment['score'], runs))
        self._things.add(tile.tile, found)

    def result(self) -> ResultDict:
        """The map of the picture, uint32, and its segments: stuff by class, then things."""
        table = SegmentTable(self._segments, self._things.settled(), self._context)
        id_map = np.zeros(self._grid.size, np.uint32)
        for row in self._grid.cells():
            rows = {tile: self._read_rows(tile, row[0].window) for cell in row for tile in cell.tiles}
            for cell in row:
                id_map[cell.window.pixels] = self._paint(cell, rows, table)
        return table.describe(id_map, self._metainfo)

    def _read_rows(self, tile: int, window: Window) -> np.ndarray | None:
        """What a tile has in the rows of a window; None without a valid pixel in the tile."""
        rows = window.inside(self._grid.windows[tile])
        return self._maps[tile].read_rows(rows.top, rows.bottom) if tile in self._maps else None

    def _paint(self, cell: Cell, rows: Mapping[int, np.ndarray | None], table: SegmentTable) -> np.ndarray:
        """Ids of the pixels of a cell, uint32 [h, w]."""
        seen = {}
        for tile in sorted(cell.tiles, key=lambda tile: tile != cell.owner):
            numbers = rows[tile]
            if numbers is not None:
                seen[tile] = numbers[:, cell.window.inside(self._grid.windows[tile]).pixels[1]]
        ids = table.choose(seen, cell.owner)
        return ids if self._context is None or not seen else table.with_stuff(ids, self._context.read(cell.window))
