import pytest
import torch

from mmoneformer.models.masks.axis import AxisGeometry, axis_steps, find_taps
from mmoneformer.models.masks.block_axis import TILE, cut_into_blocks

AXES = {
    'as it is': (64, AxisGeometry(256, 250, 250, False)),
    'enlarged 8 times': (24, AxisGeometry(96, 90, 720, False)),
    'enlarged a little': (64, AxisGeometry(256, 250, 333, False)),
    'reduced': (64, AxisGeometry(256, 250, 77, False)),
    'mirrored': (24, AxisGeometry(96, 90, 720, True)),
    'not resized': (50, AxisGeometry(50, 45, 45, False)),
    'one pixel': (8, AxisGeometry(32, 30, 1, False)),
}


@pytest.mark.parametrize(('size', 'geometry'), AXES.values(), ids=AXES)
def test_blocks_are_the_whole_axis(size, geometry):
    axis = cut_into_blocks(size, geometry)
    assert axis.lengths.sum() == geometry.original == len(axis.block_of)
    assert axis.pixels.shape == (len(axis.lengths), axis.lengths.max())
    for block, (length, pixels) in enumerate(zip(axis.lengths.tolist(), axis.pixels, strict=True)):
        inside = (axis.block_of == block).nonzero().squeeze(1)
        assert torch.equal(pixels[:length], inside)
        assert (pixels[length:] == inside[-1]).all()


@pytest.mark.parametrize('kind', ['as it is', 'enlarged 8 times', 'enlarged a little', 'reduced', 'mirrored'])
def test_blocks_have_about_eight_pixels(kind):
    axis = cut_into_blocks(*AXES[kind])
    assert 6 <= axis.lengths[1:-1].float().mean() <= 10
    assert axis.lengths.max() <= 12


@pytest.mark.parametrize(('size', 'geometry'), AXES.values(), ids=AXES)
def test_weights_interpolate_all_pixels(size, geometry):
    axis, values = cut_into_blocks(size, geometry), torch.randn(size)
    places = torch.arange(geometry.original)
    taps, weights = find_taps(places, axis_steps(size, geometry))
    positions = axis.first[:, None] + torch.arange(axis.weights.shape[1])
    found = torch.einsum('gm,gmr->gr', values[positions], axis.weights)
    torch.testing.assert_close(found, (values[taps] * weights).sum(1)[axis.pixels], atol=1e-5, rtol=0)


def test_tiles_follow_one_another():
    axis = cut_into_blocks(512, AxisGeometry(2048, 2048, 2048, False))
    count = len(axis.lengths)
    assert [tile.blocks.start for tile in axis.tiles[1:]] == [tile.blocks.stop for tile in axis.tiles[:-1]]
    assert (axis.tiles[0].blocks.start, axis.tiles[-1].blocks.stop) == (0, count)
    assert len(axis.tiles) == round(count / TILE)
    for number, tile in enumerate(axis.tiles):
        assert (axis.tile_of[tile.blocks] == number).all()


def test_bounds_of_enlarged_images_are_those_of_resized_pixels():
    """A block of 8 pixels lies between 2 of the resized image, far less than a position at stride 4."""
    (tile, *_), (_, geometry) = cut_into_blocks(*AXES['enlarged 8 times']).tiles, AXES['enlarged 8 times']
    assert tile.step is not None
    assert len(tile.windows) == 2
    assert cut_into_blocks(90, geometry._replace(padded=90)).tiles[0].step is None
