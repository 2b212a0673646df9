"""The instances of a picture from those of its tiles."""

from collections import defaultdict
from collections.abc import Sequence

from mmoneformer.metainfo import Metainfo
from mmoneformer.tiling.duplicates import FoundObject, without_duplicates
from mmoneformer.tiling.grid import TileGrid, Window
from mmoneformer.tiling.runs import Runs
from mmoneformer.tiling.things import SettledThing, Things, best_scores
from mmoneformer.tiling.tile import TileResult
from mmoneformer_deploy.result_dicts import ResultDict, instance_dict


class InstanceMerger:
    """Unites the instances of tiles (``Things``); an object that no tile has as a whole has the pixels of its parts.

    Queries of a tile may have found an object twice, and tiles may see it too differently to match: of such instances,
    the one with the highest score remains (``without_duplicates``).

    Args:
        grid: The tiles.
        metainfo: The classes.
        context: Not used: instances are things, which tiles decide.
    """

    def __init__(self, grid: TileGrid, metainfo: Metainfo, context: ResultDict | None = None) -> None:
        self._grid = grid
        self._metainfo = metainfo
        self._things = Things(grid)

    def add(self, tile: TileResult) -> None:
        """Add the instances of a tile."""
        window, height = self._grid.windows[tile.tile], self._grid.size[0]
        masks = [Runs.of_rle(mask, window, height) for mask in tile.result['masks']]
        if tile.valid is not None:
            invalid = Runs.of_mask(~tile.valid, window.top, window.left, height)
            masks = [mask.without(invalid) for mask in masks]
        rows = zip(range(len(masks)), tile.result['labels'], tile.result['scores'], masks, strict=True)
        self._things.add(tile.tile, rows)

    def result(self) -> ResultDict:
        """The instances of the picture, by score; those without a pixel, and duplicates, are left out."""
        settled = [part for part in self._things.settled() if not part.gives_way]
        parts: dict[int, list[SettledThing]] = defaultdict(list)
        for part in settled:
            parts[part.object].append(part)
        scores = best_scores(settled)
        objects = without_duplicates(_united(of_object, scores[number]) for number, of_object in parts.items())
        return instance_dict(
            labels=[found.label for found in objects],
            scores=[found.score for found in objects],
            boxes=[_corners(found.box) for found in objects],
            masks=[found.mask.to_rle(self._grid.size[1]) for found in objects],
            classes=self._metainfo,
        )


def _united(parts: Sequence[SettledThing], score: float) -> FoundObject:
    mask = Runs.union([part.thing.runs for part in parts])
    return FoundObject(parts[0].thing.label, score, mask, mask.box)


def _corners(box: Window) -> list[float]:
    return [float(side) for side in (box.left, box.top, box.right, box.bottom)]
