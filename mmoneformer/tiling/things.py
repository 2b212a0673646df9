"""Things of neighboring tiles that are one object, and things that give way to a neighbor that sees more of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mmoneformer.tiling.grid import TileGrid, Window
from mmoneformer.tiling.runs import Runs

# Measured by tools/benchmark_tiles.py --matching with the demo's model, in tiles of 128 pixels that share 32. Lower
# values take neighbors of a class for one object: PQ of many small things is 44.8 at 0.5, 49.9 at 0.9, 53.0 at 0.95.
# Higher ones give parts of an object ids of their own: PQ of things larger than the overlap is 67.5, 64.0 and 60.3.
MATCH_IOU = 0.9
SEEN_SHARE = 0.9  # of its pixels that a thing must have in another tile to give way to what that sees
BORDER = 2  # pixels
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


class Match(NamedTuple):
    """Two things, by their indices, that look the same where both tiles have pixels."""

    iou: float
    first: int
    second: int


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
    """Collects the things of the tiles of a picture, and unites those that are one object.

    Things of two tiles match if they have the same class, and an IoU above ``MATCH_IOU`` among the pixels that both
    tiles have. Things that match are one object, and so are all that are linked by matches; but never two things of
    one tile, which tells them apart: of the matches that would unite them, the one with the lowest IoU does not count.

    A thing that is cut by the border of its tile gives way to a match that is not cut, and of two that are not cut the
    one with the lower score gives way, if the other tile has its pixels. What remains is the object as one tile sees
    it, or the parts of an object that no tile has as a whole.

    Args:
        grid: The tiles.
    """

    def __init__(self, grid: TileGrid) -> None:
        self._grid = grid
        self._things: list[Thing] = []
        self._of_tile: dict[int, list[int]] = defaultdict(list)
        self._matches: list[Match] = []

    def add(self, tile: int, found: Iterable[tuple[int, int, float, Runs]]) -> None:
        """Add the things of a tile: the number, label, score and pixels of each. Tiles arrive in their order."""
        for number, label, score, runs in found:
            if len(runs.starts):
                box = runs.box
                is_cut = self._grid.touches_inner_border(tile, box)
                self._of_tile[tile].append(len(self._things))
                self._things.append(Thing(tile, number, label, score, runs, box, is_cut))
        for neighbor in self._grid.neighbors[tile]:
            self._matches += self._match(neighbor, tile)

    def settled(self) -> list[SettledThing]:
        """The things that are parts of objects, in the order in which they were added."""
        groups, matched, yielding = _Groups([thing.tile for thing in self._things]), set(), set()
        for match in sorted(self._matches, key=lambda match: -match.iou):
            if groups.unite(match.first, match.second):
                matched |= {match.first, match.second}
                yielding |= self._giving_way(match)
        objects: dict[int, int] = {}
        return [
            SettledThing(thing, objects.setdefault(groups.root(index), len(objects)), index in yielding)
            for index, thing in enumerate(self._things)
            if index in matched or self._is_believed(thing)
        ]

    def _match(self, first: int, second: int) -> list[Match]:
        """The things of two tiles that match."""
        shared = self._grid.windows[first].shared(self._grid.windows[second])
        if shared is None:
            return []
        ours, theirs = (self._parts(tile, shared) for tile in (first, second))
        return [
            Match(iou, a, b)
            for a, part in ours
            for b, other in theirs
            if self._things[a].label == self._things[b].label
            and (iou := part.iou(other)) > MATCH_IOU
            and self._continues(a, part, second)
            and self._continues(b, other, first)
        ]

    def _continues(self, index: int, part: Runs, tile: int) -> bool:
        """Whether a thing with a part in a tile is inside of it, or crosses the border of the tile.

        If it does neither, what the tile does not have is not connected to what it has: the network took two objects
        for one, of which the tile sees one.
        """
        thing, window = self._things[index], self._grid.windows[tile]
        if part.area >= SEEN_SHARE * thing.runs.area:
            return True
        top, left, bottom, right = window
        inner = Window(top + BORDER, left + BORDER, bottom - BORDER, right - BORDER)
        return part.within(inner).area < part.area

    def _parts(self, tile: int, shared: Window) -> list[tuple[int, Runs]]:
        """The things of a tile that have pixels in a window, and what they have there."""
        near = [index for index in self._of_tile[tile] if self._things[index].box.shared(shared)]
        parts = [(index, self._things[index].runs.within(shared)) for index in near]
        return [(index, runs) for index, runs in parts if len(runs.starts)]

    def _giving_way(self, match: Match) -> set[int]:
        """The thing that gives way to the other of a match, if one does."""
        kept, weaker = sorted(match[1:], key=lambda index: (self._things[index].is_cut, -self._things[index].score))
        whole, other = self._things[kept], self._things[weaker]
        seen = other.runs.within(self._grid.windows[whole.tile]).area
        return {weaker} if not whole.is_cut and seen >= SEEN_SHARE * other.runs.area else set()

    def _is_believed(self, thing: Thing) -> bool:
        """Whether a thing that no neighbor knows is kept: one that is cut may be a misjudged part of another."""
        owned = self._grid.owned(thing.tile)
        return not thing.is_cut or thing.runs.within(owned).area >= OWN_SHARE * thing.runs.area


class _Groups:
    """Groups of things (union-find), none of which has two things of a tile.

    Args:
        tiles: The tile of each thing.
    """

    def __init__(self, tiles: Sequence[int]) -> None:
        self._parents = list(range(len(tiles)))
        self._tiles = [{tile} for tile in tiles]  # of the group of which a thing is the root

    def root(self, thing: int) -> int:
        """The thing that stands for the group."""
        while self._parents[thing] != thing:
            self._parents[thing] = self._parents[self._parents[thing]]
            thing = self._parents[thing]
        return thing

    def unite(self, first: int, second: int) -> bool:
        """Unite two groups, unless both have a thing of a tile; return whether the things are in one group."""
        first, second = self.root(first), self.root(second)
        if first != second and self._tiles[first].isdisjoint(self._tiles[second]):
            self._parents[second] = first
            self._tiles[first] |= self._tiles[second]
            return True
        return first == second


def best_scores(parts: Iterable[SettledThing]) -> dict[int, float]:
    """The score of each object: the highest of its parts, without those that give way."""
    scores: dict[int, float] = {}
    for part in parts:
        if not part.gives_way:
            scores[part.object] = max(scores.get(part.object, 0.0), part.thing.score)
    return scores
