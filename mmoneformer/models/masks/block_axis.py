"""Height or width of the original image in blocks of about 8 pixels, each between neighboring positions of a grid.

The grid is the one that pixels are interpolated from in the end, or masks at stride 4. Linear interpolation is linear
between two positions, so the pixels of a block lie between the values at a few positions.

Shapes: P pixels, G blocks of at most R pixels, which are interpolated from m positions at stride 4.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from mmoneformer.models.masks.axis import AxisGeometry, Step, axis_steps, find_taps

BLOCK = 8  # pixels
TILE = 32  # blocks, about
ENLARGED = 2  # times: from here on, bounds by positions of the resized image are worth their computation


class BlockTile(NamedTuple):
    """Blocks of a tile along an axis, and what their bounds are found from.

    Attributes:
        blocks: Which blocks.
        source: Positions at stride 4.
        step: From these to the grid, None if they are the grid.
        windows: k positions of the grid between which each of g blocks lies, int64 [k, g].
    """

    blocks: slice
    source: slice
    step: Step | None
    windows: Tensor


class BlockAxis(NamedTuple):
    """An axis that is cut into blocks.

    Attributes:
        block_of: Block of each pixel, [P].
        lengths: Number of pixels of each block, [G].
        pixels: Pixels of each block; the last one is repeated where it has fewer, [G, R].
        first: First position at stride 4 that each block is interpolated from, [G].
        weights: Weights of this and the next positions for each pixel, float32 [G, m, R].
        tile_of: Tile of each block, [G].
        tiles: The tiles, from the first block on.
    """

    block_of: Tensor
    lengths: Tensor
    pixels: Tensor
    first: Tensor
    weights: Tensor
    tile_of: Tensor
    tiles: list[BlockTile]


@lru_cache(maxsize=256)  # images often have the same size
@torch.inference_mode(False)
def cut_into_blocks(size: int, geometry: AxisGeometry) -> BlockAxis:
    """Cut height or width, where masks have ``size`` positions at stride 4."""
    places = torch.arange(geometry.original)
    steps = axis_steps(size, geometry) or [Step(places, places, torch.zeros(len(places)))]
    last = Step(*(part[: len(places)] for part in steps[-1]))  # without what is cropped
    scale = len(places) / int(last.second.max() - last.first.min() + 1)
    cell = last.first + (last.first + last.weight > 0)  # what is before the first position is a cell, too
    block_of = torch.unique_consecutive(cell // max(1, round(BLOCK / scale)), return_inverse=True)[1]
    lengths = block_of.bincount()
    numbers = torch.minimum(torch.arange(int(lengths.max())), lengths[:, None] - 1)
    pixels = (lengths.cumsum(0) - lengths)[:, None] + numbers

    taps, weights = find_taps(places, steps)
    first, end = _extents(block_of, taps, weights)
    count = int((end - first).max())
    first = first.clamp(max=size - count)
    at = (taps - first[block_of][:, None]).clamp(0, count - 1)  # of weight 0 where it is clamped
    of_pixels = torch.zeros(len(places), count).scatter_add_(1, at, weights)

    step = steps[0] if len(steps) == 2 and scale >= ENLARGED else None
    if step:
        taps, weights = find_taps(places, [last])
    tile_of = torch.arange(len(lengths)) // -(-len(lengths) // max(1, round(len(lengths) / TILE)))
    tiles = _cut_into_tiles(*_extents(block_of, taps, weights), tile_of, step)
    return BlockAxis(block_of, lengths, pixels, first, of_pixels[pixels].transpose(1, 2).contiguous(), tile_of, tiles)


def _extents(block_of: Tensor, taps: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """First position that the pixels of each block are interpolated from, and the one behind the last, [G]."""
    used, none = weights > 0, torch.zeros(int(block_of[-1]) + 1, dtype=torch.int64)
    lowest = taps.where(used, taps.max()).amin(1)
    highest = taps.where(used, 0).amax(1)
    first = none.scatter_reduce(0, block_of, lowest, 'amin', include_self=False)
    return first, none.scatter_reduce(0, block_of, highest, 'amax', include_self=False) + 1


def _cut_into_tiles(first: Tensor, end: Tensor, tile_of: Tensor, step: Step | None) -> list[BlockTile]:
    """Make tiles of blocks from their extents in the grid, [G]."""
    offsets = torch.arange(int((end - first).max()))[:, None]
    tiles, start = [], 0
    for length in tile_of.bincount().tolist():
        blocks = slice(start, start + length)
        grid = slice(int(first[blocks].min()), int(end[blocks].max()))
        windows = torch.minimum(first[blocks] + offsets, end[blocks] - 1) - grid.start
        source, own_step = grid, None
        if step:
            before, after, weight = (part[grid] for part in step)
            source = slice(int(before.min()), int(after.max()) + 1)
            own_step = Step(before - source.start, after - source.start, weight)
        tiles.append(BlockTile(blocks, source, own_step, windows))
        start += length
    return tiles
