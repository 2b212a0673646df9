import pytest
import torch

from mmoneformer.models.masks import block_axis
from mmoneformer.models.masks.blocks import MaskBlocks


@pytest.fixture(params=[2, 32])
def blocks_of(request, monkeypatch, geometry):
    """Tiles of few blocks, as large images have many."""
    monkeypatch.setattr(block_axis, 'TILE', request.param)
    block_axis.cut_into_blocks.cache_clear()
    yield lambda masks, queries=None: MaskBlocks(masks, geometry, queries)
    block_axis.cut_into_blocks.cache_clear()


def test_pixels_equal_the_whole(blocks_of, draw_masks, full_size):
    masks = draw_masks(3)
    blocks, expected = blocks_of(masks), full_size(masks).flatten(1)
    numbers = torch.arange(len(blocks.area)).flip(0)
    chosen = torch.tensor([[2, 0]]).expand(len(numbers), -1)
    found, pixels = blocks.read(numbers, chosen), blocks.pixels(numbers)
    for index, mask in enumerate((2, 0)):
        torch.testing.assert_close(found[:, index], expected[mask][pixels], atol=1e-4, rtol=0)
    counted = pixels[blocks.is_pixel(numbers)]
    assert torch.equal(counted.sort().values, torch.arange(expected.shape[1]))
    assert torch.equal(blocks.is_pixel(numbers).sum(1), blocks.area[numbers])


def test_bounds_hold(blocks_of, draw_masks, full_size):
    masks = draw_masks(3)
    blocks, pixels = blocks_of(masks), full_size(masks).flatten(1)
    seen = []
    for tile in range(len(blocks.tile_area)):
        numbers, chosen = blocks.of_tile(tile), torch.tensor([1, 2])
        low, high = blocks.bound(tile, chosen)
        values = pixels[chosen][:, blocks.pixels(numbers)]  # [n, g, P]
        assert (low <= values.amin(2)).all()
        assert (high >= values.amax(2)).all()
        assert (blocks.low[chosen, tile] <= low.amin(1) + 1e-4).all()
        assert (blocks.high[chosen, tile] >= high.amax(1) - 1e-4).all()
        assert blocks.area[numbers].sum() == blocks.tile_area[tile]
        seen.append(numbers)
    assert torch.equal(torch.cat(seen).sort().values, torch.arange(len(blocks.area)))


@pytest.mark.parametrize('geometry', ['larger', 'much larger', 'rotated'], indirect=True)
def test_bounds_of_enlarged_blocks_are_tight(blocks_of, draw_masks, full_size):
    masks = draw_masks(3)
    blocks, pixels = blocks_of(masks), full_size(masks).flatten(1)
    low, high = blocks.bound(0, torch.arange(3))
    values = pixels[:, blocks.pixels(blocks.of_tile(0))]
    assert (high - low).mean() < 2 * (values.amax(2) - values.amin(2)).mean() + 1e-3


def test_some_queries(blocks_of, draw_masks):
    masks, queries = draw_masks(5), torch.tensor([3, 1])
    some, same = blocks_of(masks, queries), blocks_of(masks[queries])
    assert torch.equal(some.low, same.low)
    assert torch.equal(some.high, same.high)
    both, numbers = torch.arange(2), torch.zeros(1, dtype=torch.int64)
    assert torch.equal(torch.stack(some.bound(0, both)), torch.stack(same.bound(0, both)))
    assert torch.equal(some.read(numbers, both[None]), same.read(numbers, both[None]))


def test_values_become_pixels(blocks_of, draw_masks, geometry):
    blocks = blocks_of(draw_masks(1))
    numbers = torch.arange(len(blocks.area))
    pixels = blocks.expand(numbers)
    assert pixels.shape == geometry.original
    assert (pixels.view(-1)[blocks.pixels(numbers)] == numbers[:, None]).all()
    assert torch.equal(blocks.expand(numbers, slice(0, 1), slice(1, None)), pixels[:1, 1:]) or pixels.shape[1] == 1
    tiles = blocks.expand_tiles(torch.arange(len(blocks.tile_area)))
    for tile in range(len(blocks.tile_area)):
        assert torch.equal((tiles == tile).nonzero().squeeze(1), blocks.of_tile(tile))


def test_windows_contain_the_marks(blocks_of, draw_masks):
    blocks = blocks_of(draw_masks(1))
    numbers = torch.arange(len(blocks.area))
    pixels = blocks.expand(numbers)
    marks = torch.zeros(3, len(numbers), dtype=torch.bool)
    marks[0, [0, -1]] = marks[2, len(numbers) // 2] = True
    whole, none, one = blocks.windows(marks)
    assert pixels[whole].shape == pixels.shape
    assert pixels[none].numel() == 0
    assert (pixels[one] == len(numbers) // 2).all()
    assert pixels[one].numel() == blocks.area[len(numbers) // 2]


def test_no_mask(blocks_of, draw_masks):
    blocks = blocks_of(draw_masks(3), torch.zeros(0, dtype=torch.int64))
    assert blocks.low.shape == blocks.high.shape == (0, len(blocks.tile_area))


def test_half_precision_becomes_float32_before_it_is_interpolated(blocks_of, draw_masks):
    masks = draw_masks(2).bfloat16()
    numbers, both = torch.arange(1), torch.arange(2)
    found, expected = (blocks_of(given).read(numbers, both[None]) for given in (masks, masks.float()))
    assert torch.equal(found, expected)
