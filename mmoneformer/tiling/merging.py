"""Predicts a picture tile by tile and merges the results of each task, which is all that is kept of the tiles."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.tasks import TaskTable
from mmoneformer.tiling.grid import TileGrid
from mmoneformer.tiling.instances import InstanceMerger
from mmoneformer.tiling.panoptic import PanopticMerger
from mmoneformer.tiling.picture import Picture
from mmoneformer.tiling.semantic import SemanticMerger
from mmoneformer.tiling.tile import Merger, Scores, TileResult
from mmoneformer_deploy.result_dicts import ResultDict

# Given the tiles, the classes, and the task's result of the reduced picture, if there is one
MakeMerger = Callable[[TileGrid, Metainfo, ResultDict | None], Merger]
# Predicts images of one size, BGR, uint8 [H, W, 3]: for each, the result and the class scores of each task
TileNetwork = Callable[[Sequence[np.ndarray], Sequence[str]], list[dict[str, tuple[ResultDict, Scores]]]]

MERGERS = TaskTable[MakeMerger](
    'mmoneformer.tiling.merging.MERGERS',
    {'panoptic': PanopticMerger, 'instance': InstanceMerger, 'semantic': SemanticMerger},
)


class _Tile(NamedTuple):
    number: int
    pixels: np.ndarray
    valid: np.ndarray | None


def predict_tiles(
    picture: Picture,
    grid: TileGrid,
    network: TileNetwork,
    *,
    tasks: Sequence[str],
    metainfo: Metainfo,
    batch_size: int = 1,
    context_side: int | None = None,
) -> ResultDict:
    """Predict a picture.

    Args:
        picture: The picture.
        grid: Its tiles.
        network: Predicts tiles.
        tasks: Names of the tasks.
        metainfo: The classes.
        batch_size: Number of tiles that are predicted at a time.
        context_side: Longer side of the reduced picture whose stuff replaces that of the tiles; None for that of the
            tiles.

    Returns:
        The dict of ``as_dict``, with ``id_map`` of uint32. Pixels that do not count have 0 in it, and 255 in
        ``label_map``. Of a picture that is one tile, it is what the network predicts.
    """
    context: ResultDict = {}
    if context_side is not None and len(grid) > 1:
        whole = network([picture.reduced(context_side)], tasks)[0]
        context = {task: result for task, (result, _) in whole.items()}
    mergers = {task: MERGERS[task](grid, metainfo, context.get(task)) for task in tasks}
    tiles = _valid_tiles(picture, grid)
    while batch := list(islice(tiles, batch_size)):
        found = network([tile.pixels for tile in batch], tasks)
        for tile, results in zip(batch, found, strict=True):
            if len(grid) == 1 and tile.valid is None:
                return _with_unsigned_ids({task: result for task, (result, _) in results.items()})
            for task, (result, scores) in results.items():
                mergers[task].add(TileResult(tile.number, result, scores, tile.valid))
    return {task: merger.result() for task, merger in mergers.items()}


def _valid_tiles(picture: Picture, grid: TileGrid) -> Iterator[_Tile]:
    """Read the tiles that have a pixel that counts."""
    for number, window in enumerate(grid.windows):
        valid = picture.valid(window)
        if valid is None or valid.any():
            yield _Tile(number, picture.read(window), None if valid is None or valid.all() else valid)


def _with_unsigned_ids(results: ResultDict) -> ResultDict:
    return {
        task: {key: value.view(np.uint32) if key == 'id_map' else value for key, value in result.items()}
        for task, result in results.items()
    }
