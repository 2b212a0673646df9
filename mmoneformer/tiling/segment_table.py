"""The segments of a picture, and which of the segments that tiles see at a pixel gets it."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.tiling.context import Context
from mmoneformer.tiling.things import SettledThing, best_scores
from mmoneformer_deploy.result_dicts import NO_CLASS, STRIP, ResultDict, panoptic_dict

# Ranks: the segment with the highest one gets the pixel. Those of whole things reach up to INVALID, by their scores.
NO_SEGMENT, GIVES_WAY, ELSEWHERE, OWN, WHOLE, INVALID = range(6)
NOT_COUNTED = np.iinfo(np.uint32).max  # id of invalid pixels, until all are painted


class SegmentTable:
    """Numbers the segments of a picture: stuff by class, then the objects.

    Args:
        segments: The segments of each tile. In its map, segment n has the number n + 1; 0 is void, and the number
            behind those of the segments stands for pixels that do not count.
        things: What became of the things among them.
        context: Its stuff has segments, too.
    """

    def __init__(
        self,
        segments: Mapping[int, Sequence[ResultDict]],
        things: Sequence[SettledThing],
        context: Context | None = None,
    ) -> None:
        stuff = _stuff_scores(segments.values(), context)
        objects = best_scores(things)
        self._num_stuff = len(stuff)
        self._scores = [*stuff.values(), *(objects[number] for number in range(len(objects)))]
        self._labels = [*stuff, *(0 for _ in objects)]
        self._stuff_ids = np.zeros(NO_CLASS + 1, np.uint32)  # by class
        self._stuff_ids[list(stuff)] = np.arange(1, len(stuff) + 1)
        self._ids = {tile: self._ids_of(found) for tile, found in segments.items()}
        self._own, self._elsewhere = (
            {tile: _ranks_of(found, rank) for tile, found in segments.items()} for rank in (OWN, ELSEWHERE)
        )
        for part in things:
            self._add_thing(part)

    def _ids_of(self, segments: Sequence[ResultDict]) -> np.ndarray:
        """Id of each number of a tile; things get theirs later, if they are part of an object."""
        ids = [0 if segment['is_thing'] else self._stuff_ids[segment['label']] for segment in segments]
        return np.array([0, *ids, NOT_COUNTED], np.uint32)

    def _add_thing(self, part: SettledThing) -> None:
        thing, index = part.thing, self._num_stuff + part.object
        self._labels[index] = thing.label
        number = thing.number + 1
        self._ids[thing.tile][number] = index + 1
        if part.gives_way:
            own = elsewhere = float(GIVES_WAY)
        elif thing.is_cut:
            own, elsewhere = OWN, ELSEWHERE
        else:
            own = elsewhere = WHOLE + thing.score
        self._own[thing.tile][number], self._elsewhere[thing.tile][number] = own, elsewhere

    def choose(self, seen: Mapping[int, np.ndarray], owner: int) -> np.ndarray:
        """Choose a segment for each pixel of a cell.

        Args:
            seen: The numbers that tiles have there, [h, w], by tile; of equal ranks, that of the first tile counts.
            owner: The tile that decides there.

        Returns:
            Ids, uint32 [h, w]; 0 where there is no segment.
        """
        if len(seen) == 1:
            ((tile, numbers),) = seen.items()
            return self._ids[tile][numbers]
        ids, best = np.uint32(0), np.float32(0)
        for tile, numbers in seen.items():
            ranks = (self._own if tile == owner else self._elsewhere)[tile][numbers]
            ids = np.where(ranks > best, self._ids[tile][numbers], ids)
            best = np.maximum(best, ranks)
        return ids

    def with_stuff(self, ids: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Replace stuff and void by stuff of certain classes, uint8 [h, w]; 255 is none."""
        new = self._stuff_ids[labels]
        return np.where((ids <= self._num_stuff) & (new > 0), new, ids)

    def describe(self, id_map: np.ndarray, metainfo: Metainfo) -> ResultDict:
        """Number the segments that have a pixel anew, from 1, in their order, in place; and describe them."""
        strips = [id_map[top : top + STRIP] for top in range(0, len(id_map), STRIP)]
        area = np.zeros(len(self._labels) + 1, np.int64)
        for strip in strips:
            strip[strip == NOT_COUNTED] = 0
            area += np.bincount(strip.ravel(), minlength=len(area))
        found = np.flatnonzero(area[1:])
        if len(found) < len(self._labels):
            numbers = np.zeros(len(area), np.uint32)
            numbers[found + 1] = np.arange(1, len(found) + 1)
            for strip in strips:
                strip[:] = numbers[strip]
        labels, scores = [self._labels[index] for index in found], [self._scores[index] for index in found]
        return panoptic_dict(id_map, labels, scores, metainfo)


def _ranks_of(segments: Sequence[ResultDict], rank: int) -> np.ndarray:
    """Rank of each number of a tile."""
    ranks = [NO_SEGMENT if segment['is_thing'] else rank for segment in segments]
    return np.array([NO_SEGMENT, *ranks, INVALID], np.float32)


def _stuff_scores(tiles: Iterable[Sequence[ResultDict]], context: Context | None) -> dict[int, float]:
    """The highest score of each class of stuff, by class."""
    scores = dict(context.scores) if context is not None else {}
    for segment in (segment for segments in tiles for segment in segments if not segment['is_thing']):
        scores[segment['label']] = max(scores.get(segment['label'], 0.0), segment['score'])
    return dict(sorted(scores.items()))
