"""Things of neighboring tiles that are one object, and things that give way to a neighbor that sees more of them."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from mmoneformer.tiling.grid import TileGrid, Window
from mmoneformer.tiling.runs import Runs

MATCH_IOU = 0.5
SEEN_SHARE = 0.9  # of its pixels that a thing must have in another tile to give way to what that sees
OWN_SHARE = 0.5  # a part of an object that no neighbor knows is believed if its tile decides this share of its pixels


class Thing(NamedTuple):
    """A thing that a tile sees.

    Attributes:
        tile: Index of the tile.
        number: Its number in the result of the tile.
        label: Class index.
        score: 0 to 1.
        runs: Its pixels in the picture, of which there is one at least.
        box: The window around them.
        is_cut: Whether it reaches a border of the tile that is inside the picture.
    """

    tile: int
    number: int
    label: int
    score: float
    runs: Runs
    box: Window
    is_cut: bool


class SettledThing(NamedTuple):
    """A thing that is an object of the picture, or a part of one.

    Attributes:
        thing: What its tile sees.
        object: Number of the object, from 0.
        gives_way: Whether another tile has the object as a whole, and this thing is not needed.
    """

    thing: Thing
    object: int
    gives_way: bool


class Things:
    """Collects the things of the tiles of a picture, tile by tile, and unites those that are one object.

    Things of two tiles match if they have the same class, and an IoU above ``MATCH_IOU`` among the pixels that both
    tiles have; each thing matches one of another tile at most. Things that match are one object, and so are all that
    are linked by matches. A thing that is cut by the border of its tile gives way to a match that is not cut, and of
    two that are not cut the one with the lower score gives way, if the other tile has its pixels. What remains is the
    object as one tile sees it, or the parts of an object that no tile has as a whole.

    Args:
        grid: The tiles.
    """

    def __init__(self, grid: TileGrid) -> None:
        self._grid = grid
        self._things: list[Thing] = []
        self._of_tile: dict[int, list[int]] = defaultdict(list)
        self._parents: list[int] = []
        self._matched: set[int] = set()
        self._yielding: set[int] = set()

    def add(self, tile: int, found: Iterable[tuple[int, int, float, Runs]]) -> None:
        """Add the things of a tile: the number, label, score and pixels of each. Tiles arrive in their order."""
        for number, label, score, runs in found:
            if len(runs.starts):
                box = runs.box
                is_cut = self._grid.touches_inner_border(tile, box)
                self._of_tile[tile].append(len(self._things))
                self._parents.append(len(self._things))
                self._things.append(Thing(tile, number, label, score, runs, box, is_cut))
        for neighbor in self._grid.neighbors[tile]:
            for first, second in self._matches(neighbor, tile):
                self._unite(first, second)

    def settled(self) -> list[SettledThing]:
        """The things that are parts of objects, in the order in which they were added."""
        roots: dict[int, int] = {}
        return [
            SettledThing(thing, roots.setdefault(self._root(index), len(roots)), index in self._yielding)
            for index, thing in enumerate(self._things)
            if index in self._matched or self._is_believed(thing)
        ]

    def _matches(self, first: int, second: int) -> list[tuple[int, int]]:
        """The pairs of things of two tiles that match, those that agree most before others."""
        shared = self._grid.windows[first].shared(self._grid.windows[second])
        if shared is None:
            return []
        ours, theirs = (self._parts(tile, shared) for tile in (first, second))
        ious = [
            (iou, a, b)
            for a, part in ours
            for b, other in theirs
            if self._things[a].label == self._things[b].label and (iou := _iou(part, other)) > MATCH_IOU
        ]
        pairs: list[tuple[int, int]] = []
        taken: set[int] = set()
        for _, a, b in sorted(ious, key=lambda match: -match[0]):
            if taken.isdisjoint((a, b)):
                pairs.append((a, b))
                taken |= {a, b}
        return pairs

    def _parts(self, tile: int, shared: Window) -> list[tuple[int, Runs]]:
        """The things of a tile that have pixels in a window, and what they have there."""
        near = [index for index in self._of_tile[tile] if self._things[index].box.shared(shared)]
        parts = [(index, self._things[index].runs.within(shared)) for index in near]
        return [(index, runs) for index, runs in parts if len(runs.starts)]

    def _unite(self, first: int, second: int) -> None:
        self._matched |= {first, second}
        self._parents[self._root(second)] = self._root(first)
        kept, weaker = sorted((first, second), key=lambda i: (self._things[i].is_cut, -self._things[i].score))
        whole, other = self._things[kept], self._things[weaker]
        seen = other.runs.within(self._grid.windows[whole.tile]).area
        if not whole.is_cut and seen >= SEEN_SHARE * other.runs.area:
            self._yielding.add(weaker)

    def _root(self, index: int) -> int:
        while self._parents[index] != index:
            self._parents[index] = self._parents[self._parents[index]]
            index = self._parents[index]
        return index

    def _is_believed(self, thing: Thing) -> bool:
        """Whether a thing that no neighbor knows is kept: one that is cut may be a misjudged part of another."""
        owned = self._grid.owned(thing.tile)
        return not thing.is_cut or thing.runs.within(owned).area >= OWN_SHARE * thing.runs.area


def _iou(first: Runs, second: Runs) -> float:
    shared = first.shared_area(second)
    return shared / (first.area + second.area - shared)


def best_scores(parts: Iterable[SettledThing]) -> dict[int, float]:
    """The score of each object: the highest of its parts, without those that give way."""
    scores: dict[int, float] = {}
    for part in parts:
        if not part.gives_way:
            scores[part.object] = max(scores.get(part.object, 0.0), part.thing.score)
    return scores
