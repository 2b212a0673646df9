import numpy as np
import pytest

from mmoneformer.tiling.grid import TileGrid
from mmoneformer.tiling.panoptic import PanopticMerger


def as_in_the_scene(result, scene):
    """Check that each visible thing is one segment, and the stuff of each class."""
    owners, ids = scene.owners, result['id_map']
    by_id = {segment['id']: segment for segment in result['segments']}
    expected = {(0, label): (owners == 0) & (scene.stuff == label) for label in np.unique(scene.stuff[owners == 0])}
    expected |= {(n, label): owners == n for n, (label, _) in enumerate(scene.things, 1) if (owners == n).any()}
    assert len(by_id) == len(expected)
    for (number, label), mask in expected.items():
        (found,) = np.unique(ids[mask])
        np.testing.assert_array_equal(ids == found, mask)
        rows, columns = np.nonzero(mask)
        segment = by_id[found]
        assert (segment['label'], segment['is_thing'], segment['area']) == (label, number > 0, mask.sum())
        assert segment['bbox'] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize(('tile', 'overlap'), [(40, 12), (40, 20), (64, 16), (33, 8), (200, 0)])
def test_each_object_is_one_segment(scene, exact, tile, overlap):
    grid = TileGrid(scene.stuff.shape, tile, overlap)
    result = scene.merged(PanopticMerger, grid, exact['panoptic'])
    assert result['id_map'].dtype == np.uint32
    as_in_the_scene(result, scene)


def test_pixels_that_do_not_count(scene, grid, exact):
    valid = np.ones(grid.size, bool)
    valid[50:, 90:] = False
    valid[:, :20] = False
    result = scene.merged(PanopticMerger, grid, exact['panoptic'], valid)
    assert (result['id_map'][~valid] == 0).all()
    assert (result['id_map'][valid] > 0).all()
    assert sum(segment['area'] for segment in result['segments']) == valid.sum()
    assert [segment['id'] for segment in result['segments']] == list(range(1, len(result['segments']) + 1))


def test_the_whole_decides_stuff_and_tiles_things(scene, grid, exact):
    rows = np.arange(22) < 4
    context = {
        'id_map': np.where(rows, 2, 1)[:, None].repeat(28, axis=1),
        'segments': [
            {'id': 1, 'label': 2, 'is_thing': False, 'score': 0.7},
            {'id': 2, 'label': 1, 'is_thing': True, 'score': 0.6},
        ],
    }
    result = scene.merged(PanopticMerger, grid, exact['panoptic'], context=context)
    plain = scene.merged(PanopticMerger, grid, exact['panoptic'])
    labels, expected = (label_map(found) for found in (result, plain))
    is_thing = scene.owners > 0
    np.testing.assert_array_equal(labels[is_thing], expected[is_thing])
    below = np.arange(110)[:, None] >= 20
    assert (labels[~is_thing & below] == 2).all()
    np.testing.assert_array_equal(labels[~is_thing & ~below], expected[~is_thing & ~below])


def label_map(result):
    return np.array([255, *(segment['label'] for segment in result['segments'])])[result['id_map']]


def test_what_a_neighbor_sees_whole_replaces_a_cut_part(scene, exact):
    """The left tile sees one class too much of the disk that the right one sees whole; no pixel of it remains."""
    grid = TileGrid((30, 60), 40, 20)
    rows, columns = np.ogrid[:30, :60]
    mask = (rows - 15) ** 2 + (columns - 34) ** 2 <= 64
    drawn = type(scene)(np.zeros((30, 60), int), [(1, mask)])

    def wider(tile, result):
        if tile == 0:
            result['id_map'][4:26, 24:40] = result['segments'][1]['id']
            result['segments'][1]['bbox'] = [24, 4, 40, 26]
        return result

    result = drawn.merged(PanopticMerger, grid, exact['panoptic'], change=wider)
    as_in_the_scene(result, drawn)


def test_what_no_other_tile_knows_is_kept_where_its_tile_decides(scene, exact):
    grid = TileGrid((30, 60), 40, 20)
    empty = type(scene)(np.zeros((30, 60), int), [])
    for left, kept in ((20, 100), (36, 0)):

        def one_more(tile, result, left=left):
            if tile == 0:
                result['id_map'][5:15, left:40] = 2
                segment = {'id': 2, 'label': 1, 'is_thing': True, 'score': 0.9, 'bbox': [left, 5, 40, 15]}
                result['segments'].append(segment)
            return result

        result = empty.merged(PanopticMerger, grid, exact['panoptic'], change=one_more)
        assert [segment['area'] for segment in result['segments'] if segment['is_thing']] == [kept] * (kept > 0)
