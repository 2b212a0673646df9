import pytest
import torch

from mmoneformer.models.masks import block_axis, instance_masks, tiles
from mmoneformer.models.masks.boxes import mask_boxes
from mmoneformer.models.masks.instance_masks import MasksByBlocks, MasksByTiles, threshold_masks

QUERIES = torch.tensor([4, 1, 0, 2])


@pytest.fixture(params=[(MasksByTiles, 32), (MasksByBlocks, 32), (MasksByBlocks, 2)], ids=str)
def threshold(request, monkeypatch):
    kind, blocks = request.param
    monkeypatch.setattr(tiles, 'tile_side', lambda _: 16)
    monkeypatch.setattr(block_axis, 'TILE', blocks)
    block_axis.cut_into_blocks.cache_clear()
    yield kind
    block_axis.cut_into_blocks.cache_clear()


def test_masks_equal_the_whole(threshold, draw_masks, full_size, geometry):
    masks = draw_masks(5)
    masks[1] = -5  # empty
    masks[4, :, : masks.shape[2] // 2] = -0.5  # flat
    masks[2] = 40  # saturated
    pixels = full_size(masks)[QUERIES]
    found = threshold(masks, geometry, QUERIES)
    inside = pixels > 0
    expected = (pixels.sigmoid() * inside).sum((1, 2)) / (inside.sum((1, 2)) + 1e-6)
    torch.testing.assert_close(found.scores, expected, atol=1e-5, rtol=0)

    which = torch.tensor([3, 0, 1, 2, 0])  # two instances with one mask
    joined, boxes = found.join(which)
    on_edge = pixels[which].abs() < 1e-4
    assert torch.equal(joined[~on_edge], inside[which][~on_edge])
    assert torch.equal(joined[1], joined[4])
    assert torch.equal(boxes, mask_boxes(joined))


def test_no_mask(threshold, draw_masks, geometry):
    none = torch.zeros(0, dtype=torch.int64)
    found = threshold(draw_masks(2), geometry, none)
    joined, boxes = found.join(none)
    assert found.scores.shape == (0,)
    assert joined.shape == (0, *geometry.original)
    assert boxes.shape == (0, 4)


@pytest.mark.parametrize(('small', 'expected'), [(True, MasksByBlocks), (False, MasksByTiles)])
def test_small_steps_where_they_are_fast(monkeypatch, draw_masks, geometry, small, expected):
    monkeypatch.setattr(instance_masks, 'in_small_steps', lambda _: small)
    assert isinstance(threshold_masks(draw_masks(2), geometry, torch.arange(2)), expected)
