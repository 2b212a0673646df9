import numpy as np
import pytest

from mmoneformer.tiling.grid import TileGrid
from mmoneformer.tiling.runs import Runs
from mmoneformer.tiling.things import Things, best_scores

GRID = TileGrid((30, 60), 40, 20)  # two tiles, which share the columns 20 to 39


def collected(*things):
    """Things, each as a tile, a label, a score, and the rows and columns of a rectangle."""
    found = Things(GRID)
    for tile in (0, 1):
        rows = [
            (number, label, score, Runs.of_mask(np.ones((bottom - top, right - left), bool), top, left, 30))
            for number, (of, label, score, (top, bottom), (left, right)) in enumerate(things)
            if of == tile
        ]
        found.add(tile, rows)
    return found.settled()


def objects(settled):
    return [(part.thing.number, part.object, part.gives_way) for part in settled]


def test_parts_of_an_object_larger_than_a_tile():
    settled = collected((0, 1, 0.7, (5, 10), (3, 40)), (1, 1, 0.8, (5, 10), (20, 60)))
    assert objects(settled) == [(0, 0, False), (1, 0, False)]


@pytest.mark.parametrize('other', [(1, 3, 0.8, (5, 10), (20, 60)), (1, 1, 0.8, (5, 20), (20, 60))])
def test_another_class_or_too_little_in_common(other):
    settled = collected((0, 1, 0.7, (5, 10), (3, 40)), other)
    assert [part.object for part in settled] == [0, 1]


def test_a_cut_thing_gives_way():
    settled = collected((0, 1, 0.9, (5, 10), (30, 40)), (1, 1, 0.8, (5, 10), (30, 45)))
    assert objects(settled) == [(0, 0, True), (1, 0, False)]
    assert best_scores(settled) == {0: 0.8}


def test_the_less_sure_of_two_whole_things_gives_way():
    settled = collected((0, 1, 0.9, (5, 10), (25, 35)), (1, 1, 0.8, (5, 10), (25, 36)))
    assert objects(settled) == [(0, 0, False), (1, 0, True)]


def test_what_lies_outside_of_a_tile_does_not_give_way_to_it():
    """The right tile misses the border that cuts its part by a column."""
    settled = collected((0, 1, 0.7, (5, 10), (3, 40)), (1, 1, 0.8, (5, 10), (21, 50)))
    assert objects(settled) == [(0, 0, False), (1, 0, False)]


def test_each_thing_matches_one_of_a_tile():
    """The better one; two things of a tile are never one object."""
    settled = collected((0, 1, 0.7, (5, 15), (10, 40)), (1, 1, 0.8, (5, 14), (20, 50)), (1, 1, 0.8, (5, 15), (20, 50)))
    assert [part.object for part in settled] == [0, 1, 0]


def test_a_misjudged_part_is_left_out():
    """It is cut, no other tile knows it, and most of it is what the other tile decides."""
    assert collected((0, 1, 0.9, (5, 10), (32, 40))) == []
    assert len(collected((0, 1, 0.9, (5, 10), (20, 40)))) == 1
