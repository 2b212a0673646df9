import pytest
import torch

from mmoneformer.models.masks import tiles
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.tiles import MaskTiles

SIDES = [1, 7, 1000]


def cut(masks, geometry, side, monkeypatch):
    monkeypatch.setattr(tiles, 'tile_side', lambda _: side)
    return MaskTiles(masks, geometry)


@pytest.mark.parametrize('side', SIDES)
def test_tiles_equal_the_whole(monkeypatch, geometry, draw_masks, full_size, side):
    masks = draw_masks(3)
    expected = full_size(masks)
    seen = torch.zeros(geometry.original, dtype=torch.int64)
    tiles = cut(masks, geometry, side, monkeypatch)
    for tile, (rows, columns), chosen, logits in tiles.read_all():
        seen[rows, columns] += 1
        assert chosen.tolist() == [0, 1, 2]
        assert max(logits.shape[1:]) <= side
        assert logits[0].numel() == tiles.area[tile]
        torch.testing.assert_close(logits, expected[:, rows, columns], atol=1e-5, rtol=0)
        assert (logits.amin((1, 2)) >= tiles.low[:, tile] - 1e-5).all()
        assert (logits.amax((1, 2)) <= tiles.high[:, tile] + 1e-5).all()
    assert (seen == 1).all()
    assert tiles.area.sum() == seen.numel()


def test_bounds_are_those_of_the_cells_that_a_tile_reads(monkeypatch):
    """Tiles of 4 x 4 pixels, as they come: the first one reads the cells (0, 0) to (1, 1)."""
    masks = torch.randn(2, 3, 4)
    tiles = cut(masks, MaskGeometry((12, 16), (12, 16), (12, 16)), 4, monkeypatch)
    assert tiles.low.shape == (2, 12)
    torch.testing.assert_close(tiles.low[:, 0], masks[:, :2, :2].amin((1, 2)), atol=1e-5, rtol=0)
    torch.testing.assert_close(tiles.high[:, 5], masks[:, 0:3, 0:3].amax((1, 2)), atol=1e-5, rtol=0)


@pytest.mark.parametrize('geometry', ['larger'], indirect=True)
def test_only_what_is_needed_is_read(monkeypatch, geometry, draw_masks, full_size):
    masks = draw_masks(3)
    tiles = cut(masks, geometry, 32, monkeypatch)
    needed = torch.zeros(3, 6, dtype=torch.bool)
    needed[[0, 2], 1] = needed[1, 4] = True
    found = list(tiles.read(needed))
    assert [(part.tile, part.pixels, part.masks.tolist()) for part in found] == [
        (1, (slice(0, 32), slice(32, 64)), [0, 2]),
        (4, (slice(32, 61), slice(32, 64)), [1]),
    ]
    torch.testing.assert_close(found[0].logits, full_size(masks)[[0, 2], :32, 32:64], atol=1e-5, rtol=0)


def test_values_of_tiles_become_pixels(monkeypatch):
    tiles = cut(torch.randn(1, 2, 2), MaskGeometry((8, 8), (3, 5), (3, 5)), 2, monkeypatch)
    assert tiles.expand(torch.arange(6)).tolist() == [[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [3, 3, 4, 4, 5]]


def test_masks_already_at_full_size_are_only_cropped():
    masks = torch.randn(2, 8, 12)
    ((_, _, _, logits),) = MaskTiles(masks, MaskGeometry((8, 12), (7, 9), (7, 9))).read_all()
    assert torch.equal(logits, masks[:, :7, :9])


@pytest.mark.parametrize('geometry', ['larger'], indirect=True)
def test_half_precision_becomes_float32_before_it_is_interpolated(monkeypatch, geometry, draw_masks, full_size):
    masks = draw_masks(2).bfloat16()
    ((_, _, _, logits),) = cut(masks, geometry, 1000, monkeypatch).read_all()
    torch.testing.assert_close(logits, full_size(masks), atol=1e-5, rtol=0)


def test_no_mask(geometry, draw_masks):
    tiles = MaskTiles(draw_masks(3)[:0], geometry)
    assert list(tiles.read_all()) == []
    assert tiles.low.shape == tiles.high.shape == (0, len(tiles.area))
