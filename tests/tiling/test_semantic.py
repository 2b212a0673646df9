import numpy as np
import pytest

from mmoneformer.tiling.grid import TileGrid
from mmoneformer.tiling.semantic import SemanticMerger
from mmoneformer.tiling.tile import TileResult


@pytest.mark.parametrize(('tile', 'overlap'), [(40, 12), (40, 20), (33, 8), (200, 0)])
def test_labels_of_the_scene(scene, exact, tile, overlap):
    result = scene.merged(SemanticMerger, TileGrid(scene.stuff.shape, tile, overlap), exact['semantic'])
    np.testing.assert_array_equal(result['label_map'], scene.labels)
    assert result['label_map'].dtype == np.uint8


def scores_of_tiles(grid):
    rng = np.random.default_rng(0)
    return [rng.random((4, *window.size), np.float32) for window in grid.windows]


def merged(grid, classes, scores, valid=None):
    merger = SemanticMerger(grid, classes)
    for tile, (window, of_tile) in enumerate(zip(grid.windows, scores, strict=True)):
        counts = None if valid is None else valid[window.pixels]
        if counts is None or counts.any():
            result = {'label_map': of_tile.argmax(0).astype(np.uint8)}
            merger.add(TileResult(tile, result, lambda rows, columns, s=of_tile: s[:, rows, columns], counts))
        assert len(merger._tiles) <= 6, 'no more than a strip of tiles, of 4 a row'
    return merger.result()['label_map']


def test_averages_with_falling_weights(classes):
    """The same as with an array of all scores."""
    grid = TileGrid((100, 130), 40, 10)
    scores = scores_of_tiles(grid)
    total = np.zeros((4, *grid.size))
    for tile, (window, of_tile) in enumerate(zip(grid.windows, scores, strict=True)):
        rows, columns = (axis.ravel() for axis in np.mgrid[window.pixels])
        total[(slice(None), *window.pixels)] += of_tile * grid.weights(tile, rows, columns).reshape(window.size)
    np.testing.assert_array_equal(merged(grid, classes, scores), total.argmax(0))


def test_pixels_that_do_not_count(classes):
    """Neither single ones nor all of a tile."""
    grid = TileGrid((100, 130), 40, 10)
    valid = np.ones(grid.size, bool)
    valid[:45, 55:] = False
    valid[60:70, 3:9] = False
    labels = merged(grid, classes, scores_of_tiles(grid), valid)
    np.testing.assert_array_equal(labels == 255, ~valid)


def test_the_whole_decides_stuff(scene, grid, exact):
    context = {'label_map': np.array([[0, 1], [0, 2]], np.uint8)}
    labels = scene.merged(SemanticMerger, grid, exact['semantic'], context=context)['label_map']
    expected = scene.labels.copy()
    is_stuff = scene.owners == 0
    whole = context['label_map'].repeat(55, axis=0).repeat(70, axis=1)
    replaced = is_stuff & (whole != 1)
    expected[replaced] = whole[replaced]
    np.testing.assert_array_equal(labels, expected)
