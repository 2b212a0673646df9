import numpy as np

from mmoneformer.tiling.segment_table import SegmentTable
from mmoneformer.tiling.things import SettledThing, Thing

STUFF, THING = ({'label': 0, 'is_thing': False, 'score': 0.5}, {'label': 3, 'is_thing': True, 'score': 0.6})


def table(*parts):
    """Two tiles with a segment of stuff and one of a thing each."""
    things = [
        SettledThing(Thing(tile, 1, 3, score, None, None, is_cut), number, gives_way)
        for tile, score, is_cut, number, gives_way in parts
    ]
    return SegmentTable({0: [STUFF, THING], 1: [STUFF, THING]}, things)


def chosen(segments, first, second):
    """What two tiles, of which the first decides, get for a pixel."""
    seen = {0: np.array([[first]]), 1: np.array([[second]])}
    return segments.choose(seen, 0).item()


def test_ranks():
    two = table((0, 0.9, True, 0, False), (1, 0.8, False, 1, False))
    assert chosen(two, 1, 1) == 1
    assert chosen(two, 1, 2) == 3, 'a whole thing wins over stuff'
    assert chosen(two, 2, 1) == 2, 'a part wins where its tile decides'
    assert chosen(two, 2, 2) == 3, 'a whole thing wins over a part'
    assert chosen(two, 0, 1) == 1, 'void is filled'
    assert chosen(two, 1, 3) == np.iinfo(np.uint32).max, 'what does not count wins over all'


def test_the_surer_of_two_whole_things():
    assert chosen(table((0, 0.7, False, 0, False), (1, 0.8, False, 1, False)), 2, 2) == 3
    assert chosen(table((0, 0.9, False, 0, False), (1, 0.8, False, 1, False)), 2, 2) == 2


def test_what_gives_way():
    one = table((0, 0.9, True, 0, True), (1, 0.8, False, 0, False))
    assert chosen(one, 2, 1) == 1
    assert chosen(one, 2, 0) == 2, 'nothing else is there'
    assert one.choose({0: np.array([[2]])}, 0).item() == 2


def test_segments_without_a_pixel_have_no_number(classes):
    found = table((0, 0.9, False, 0, False), (1, 0.8, False, 1, False))
    result = found.describe(np.array([[3, 3, 0, np.iinfo(np.uint32).max]], np.uint32), classes)
    np.testing.assert_array_equal(result['id_map'], [[1, 1, 0, 0]])
    (segment,) = result['segments']
    assert (segment['label'], segment['score'], segment['area'], segment['bbox']) == (3, 0.8, 2, [0, 0, 2, 1])
