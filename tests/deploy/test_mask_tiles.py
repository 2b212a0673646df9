import numpy as np
import pytest
import torch
from torch.nn import functional

from mmoneformer_deploy.mask_tiles import MaskGeometry, MaskTiles

LOGITS = np.random.default_rng(0).normal(0, 5, (3, 24, 40)).astype(np.float32)
GEOMETRIES = {
    'enlarged': MaskGeometry((96, 160), (91, 150), (182, 300)),
    'reduced': MaskGeometry((96, 160), (96, 131), (40, 55)),
    'same': MaskGeometry((96, 160), (96, 160), (96, 160)),
    'stretched': MaskGeometry((96, 160), (90, 160), (33, 470)),
    'without stride': MaskGeometry((24, 40), (24, 40), (24, 40)),
    'one pixel': MaskGeometry((96, 160), (1, 160), (1, 3)),
}


@pytest.fixture(params=GEOMETRIES)
def geometry(request):
    return GEOMETRIES[request.param]


def full_size(geometry):
    """As the authors resize masks."""
    masks = functional.interpolate(torch.from_numpy(LOGITS)[None], geometry.padded, mode='bilinear')
    masks = masks[..., : geometry.image[0], : geometry.image[1]]
    return functional.interpolate(masks, geometry.original, mode='bilinear')[0].numpy()


def test_all_pixels(geometry):
    tiles = MaskTiles(LOGITS, geometry)
    expected, found = full_size(geometry), np.full((3, *geometry.original), np.nan, np.float32)
    for tile, pixels, masks, logits in tiles.read(np.ones(tiles.low.shape, bool)):
        assert logits[0].size == tiles.area[tile]
        assert (tiles.low[masks, tile] <= logits.min((1, 2))).all()
        assert (tiles.high[masks, tile] >= logits.max((1, 2))).all()
        found[(masks, *pixels)] = logits
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert tiles.area.sum() == expected[0].size


def test_only_what_is_needed(geometry):
    tiles = MaskTiles(LOGITS, geometry)
    needed = np.zeros(tiles.low.shape, bool)
    needed[[0, 2], -1] = True
    ((tile, _, masks, logits),) = tiles.read(needed)
    assert (tile, masks.tolist(), len(logits)) == (len(tiles.area) - 1, [0, 2], 2)


def test_values_of_tiles(geometry):
    tiles = MaskTiles(LOGITS, geometry)
    expanded = tiles.expand(np.arange(len(tiles.area)))
    assert expanded.shape == geometry.original
    for tile, pixels, _, _ in tiles.read(np.ones(tiles.low.shape, bool)):
        assert (expanded[pixels] == tile).all()
