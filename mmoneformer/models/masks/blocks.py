"""Mask logits at the size of the original image, in blocks of about 8 x 8 pixels, with bounds of each block.

As ``tiles.py`` does, in two steps: bounds of tiles of 32 x 32 blocks, then of the blocks of some masks in some
tiles. Few blocks are left whose pixels are needed, those at the edges of masks, and these are computed many at a time.
For CPUs: a GPU would wait for each tile.

Shapes: N masks, T tiles, B blocks of up to P pixels; n masks and g blocks of a tile; b blocks.
"""

from collections.abc import Callable
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from mmoneformer.models.masks.axis import AxisGeometry
from mmoneformer.models.masks.block_axis import BlockTile, cut_into_blocks
from mmoneformer.models.masks.boxes import mask_boxes
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.tiles import with_slack

ALL = slice(None)
CACHED = 2**19  # logits


class MaskBlocks:
    """N masks at the original size, cut into T tiles, row by row, and these into blocks, row by row.

    Args:
        mask_logits: Logits at stride 4 of the padded input, [Q, h, w].
        geometry: Sizes of input, image and result.
        queries: Which of them, [N]; None for all.

    Attributes:
        low: Lower bound of the logits in each tile, float32 [N, T].
        high: Upper bound, [N, T].
        area: Number of pixels of each block, row by row, [B].
        tile_area: Of each tile, [T].
        block_size: P.
    """

    def __init__(self, mask_logits: Tensor, geometry: MaskGeometry, queries: Tensor | None = None) -> None:
        self._mask_logits = mask_logits.contiguous()
        self._queries = torch.arange(len(mask_logits)) if queries is None else queries
        sizes = mask_logits.shape[1], mask_logits.shape[2]
        self._rows, self._columns = (cut_into_blocks(sizes[axis], AxisGeometry.of(geometry, axis)) for axis in (0, 1))
        self._row_weights, self._column_weights = _spread_weights(sizes, geometry)
        self._grid = len(self._rows.lengths), len(self._columns.lengths)
        self.area = (self._rows.lengths[:, None] * self._columns.lengths).flatten()
        self.tile_area = self.area.new_tensor([self.area[self.of_tile(tile)].sum() for tile in range(self._num_tiles)])
        self.block_size = self._row_weights.shape[2]
        at_a_time = max(1, CACHED // (sizes[0] * sizes[1]))
        parts = self._queries.split(at_a_time)  # no copy of all masks is made
        bounds = [self._bound_tiles(mask_logits.index_select(0, queries)) for queries in parts]
        self.low, self.high = with_slack(*(torch.cat(bound) for bound in zip(*bounds, strict=True)))

    def _bound_tiles(self, mask_logits: Tensor) -> tuple[Tensor, Tensor]:
        rows = [mask_logits[:, tile.source] for tile in self._rows.tiles]
        low, high = (torch.stack([reduce(part, 1) for part in rows], 1) for reduce in (torch.amin, torch.amax))
        low = torch.stack([low[..., tile.source].amin(2) for tile in self._columns.tiles], 2)
        high = torch.stack([high[..., tile.source].amax(2) for tile in self._columns.tiles], 2)
        return low.flatten(1), high.flatten(1)

    def of_tile(self, tile: int) -> Tensor:
        """Numbers of the g blocks of a tile."""
        row, column = self._tile(tile)
        return (_range(row.blocks)[:, None] * self._grid[1] + _range(column.blocks)).flatten()

    def bound(self, tile: int, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Bounds of the logits of some masks, [n], in the blocks of a tile, float32 [n, g] each."""
        row, column = self._tile(tile)
        values = self._mask_logits[:, row.source, column.source].index_select(0, self._queries[masks]).float()
        for part, dim in ((column, 2), (row, 1)):
            values = part.step.apply(values, dim) if part.step else values
        low = high = values
        for part, dim in ((row, 1), (column, 2)):
            low = _reduce(torch.minimum, low, part.windows, dim)
            high = _reduce(torch.maximum, high, part.windows, dim)
        low, high = with_slack(low, high)
        return low.flatten(1), high.flatten(1)

    @property
    def _num_tiles(self) -> int:
        return len(self._rows.tiles) * len(self._columns.tiles)

    def _tile(self, tile: int) -> tuple[BlockTile, BlockTile]:
        row, column = divmod(tile, len(self._columns.tiles))
        return self._rows.tiles[row], self._columns.tiles[column]

    def expand_tiles(self, values: Tensor) -> Tensor:
        """Give each block the value of its tile: [T] to [B]."""
        grid = values.view(len(self._rows.tiles), len(self._columns.tiles))
        return grid[self._rows.tile_of[:, None], self._columns.tile_of].flatten()

    def expand(self, values: Tensor, rows: slice = ALL, columns: slice = ALL) -> Tensor:
        """Give each pixel of some rows and columns the value of its block: [B] to [H, W]."""
        of_rows, of_columns = self._rows.block_of[rows], self._columns.block_of[columns]
        grid = values.view(self._grid)[of_rows[0] : of_rows[-1] + 1]
        return grid.index_select(1, of_columns).index_select(0, of_rows - of_rows[0])

    def windows(self, marks: Tensor) -> list[tuple[slice, slice]]:
        """Rows and columns of pixels that the marked blocks are between, bool [N, B]; empty ones if there are none."""
        boxes = mask_boxes(marks.view(len(marks), *self._grid)).long()
        x1, y1, x2, y2 = (
            F.pad(axis.lengths.cumsum(0), (1, 0))[corner].tolist()
            for axis, corner in zip((self._columns, self._rows) * 2, boxes.unbind(1), strict=True)
        )
        return list(zip(map(slice, y1, y2), map(slice, x1, x2), strict=True))

    def pixels(self, blocks: Tensor) -> Tensor:
        """Numbers of the pixels of blocks, row by row; the last one is repeated where a block is smaller than others.

        Args:
            blocks: Numbers of blocks, row by row, [b].

        Returns:
            int64 [b, P].
        """
        rows, columns = self._place(blocks)
        first = self._rows.pixels[rows] * len(self._columns.block_of)
        return (first[:, :, None] + self._columns.pixels[columns][:, None]).flatten(1)

    def is_pixel(self, blocks: Tensor) -> Tensor:
        """False where ``pixels`` repeats one, bool [b, P]."""
        rows, columns = (
            torch.arange(axis.pixels.shape[1]) < axis.lengths[places][:, None]
            for axis, places in zip((self._rows, self._columns), self._place(blocks), strict=True)
        )
        return (rows[:, :, None] & columns[:, None]).flatten(1)

    def read(self, blocks: Tensor, masks: Tensor) -> Tensor:
        """Compute the pixels of some masks in each of some blocks.

        Args:
            blocks: Numbers of blocks, row by row, [b].
            masks: Which masks, [b, n].

        Returns:
            Logits in the order of ``pixels``, float32 [b, n, P].
        """
        rows, columns = self._place(blocks)
        _, height, width = self._mask_logits.shape
        first = (
            self._queries[masks] * (height * width)
            + (self._rows.first[rows] * width + self._columns.first[columns])[:, None]
        )
        count, across = self._rows.weights.shape[1], self._columns.weights.shape[1]
        window = (torch.arange(count)[:, None] * width + torch.arange(across)).flatten()
        positions = first[..., None] + window  # [b, n, positions of a window]
        values = self._mask_logits.view(-1).index_select(0, positions.view(-1)).view_as(positions).float()
        weights = self._row_weights.index_select(0, rows).mul_(self._column_weights.index_select(0, columns))
        return values @ weights

    def _place(self, blocks: Tensor) -> tuple[Tensor, Tensor]:
        width = self._grid[1]
        return blocks // width, blocks % width


def _range(indices: slice) -> Tensor:
    return torch.arange(indices.start, indices.stop)


def _reduce(reduce: Callable[[Tensor, Tensor], Tensor], values: Tensor, windows: Tensor, dim: int) -> Tensor:
    """Reduce what is in each of g windows of k positions, [k, g]; one after the other: k is small."""
    first, *others = (values.index_select(dim, window) for window in windows)
    for other in others:
        first = reduce(first, other)
    return first


@lru_cache(maxsize=32)
@torch.inference_mode(False)
def _spread_weights(sizes: tuple[int, int], geometry: MaskGeometry) -> tuple[Tensor, Tensor]:
    """Weights of rows and of columns for each pair of a position and a pixel of a block, whose product is the weight.

    Returns:
        [rows of blocks, positions, P] and [columns of blocks, positions, P].
    """
    rows, columns = (cut_into_blocks(sizes[axis], AxisGeometry.of(geometry, axis)).weights for axis in (0, 1))
    (_, m, height), (_, n, width) = rows.shape, columns.shape
    of_rows = rows[:, :, None, :, None].expand(-1, -1, n, -1, width)
    of_columns = columns[:, None, :, None].expand(-1, m, -1, height, -1)
    return of_rows.flatten(3).flatten(1, 2), of_columns.flatten(3).flatten(1, 2)
