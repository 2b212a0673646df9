import numpy as np
import pytest

from mmoneformer.tiling.grid import TileGrid, Window


def covered(grid):
    counts = np.zeros(grid.size, int)
    for window in grid.windows:
        counts[window.pixels] += 1
    return counts


def test_the_last_tiles_snap_to_the_edges():
    grid = TileGrid((100, 70), 40, 10)
    assert [window[:2] for window in grid.windows] == [
        (0, 0), (0, 30), (30, 0), (30, 30), (60, 0), (60, 30)
    ]  # fmt: skip
    assert {window.size for window in grid.windows} == {(40, 40)}
    assert TileGrid((100, 75), 40, 10).windows[2] == Window(0, 35, 40, 75)


@pytest.mark.parametrize('size', [(40, 40), (1, 1), (39, 12), (40, 41), (41, 100), (137, 333)])
@pytest.mark.parametrize('overlap', [0, 1, 13, 20])
def test_every_pixel_is_covered_and_owned_once(size, overlap):
    grid = TileGrid(size, 40, overlap)
    assert covered(grid).min() == 1
    owners = np.zeros(size, int)
    for tile, window in enumerate(grid.windows):
        owned = grid.owned(tile)
        assert owned.shared(window) == owned
        owners[owned.pixels] += 1
    assert (owners == 1).all()


def test_cells_are_the_pixels_of_the_same_tiles():
    grid = TileGrid((97, 133), 40, 12)
    seen = np.zeros(grid.size, int)
    for row in grid.cells():
        for cell in row:
            seen[cell.window.pixels] += 1
            containing = [tile for tile, window in enumerate(grid.windows) if window.shared(cell.window)]
            assert list(cell.tiles) == containing
            assert grid.owned(cell.owner).shared(cell.window) == cell.window
    assert (seen == 1).all()


def test_neighbors_share_pixels():
    grid = TileGrid((97, 133), 40, 12)
    for tile, window in enumerate(grid.windows):
        expected = [other for other in range(tile) if grid.windows[other].shared(window)]
        assert grid.neighbors[tile] == expected


def test_borders_inside_the_picture():
    grid = TileGrid((100, 70), 40, 10)
    assert not grid.touches_inner_border(0, Window(0, 0, 39, 39))
    assert grid.touches_inner_border(0, Window(5, 5, 40, 10))
    assert grid.touches_inner_border(1, Window(5, 30, 20, 40))
    assert not grid.touches_inner_border(1, Window(5, 31, 20, 70))


def test_weights_fall_toward_the_inner_borders():
    grid = TileGrid((100, 70), 40, 10)
    columns = np.array([0, 29, 30, 38, 39])
    np.testing.assert_array_equal(grid.weights(0, np.zeros(5, int), columns), [100, 100, 95, 15, 5])
    np.testing.assert_array_equal(grid.weights(1, np.full(5, 39), columns + 30)[:2], [0.25, 5])


def test_one_tile_has_one_weight():
    assert (TileGrid((10, 20), 40, 0).weights(0, np.arange(10), np.arange(10)) == 1).all()


@pytest.mark.parametrize(
    ('tile', 'overlap', 'message'), [(0, 0, 'tile must be'), (40, 21, 'half of the tile of 40'), (40, -1, 'got -1')]
)
def test_refuses_senseless_sizes(tile, overlap, message):
    with pytest.raises(ValueError, match=message):
        TileGrid((100, 100), tile, overlap)
