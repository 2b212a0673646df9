import pytest
import torch

from mmoneformer.models.masks import block_axis, pixel_map, tiles
from mmoneformer.models.masks.pixel_map import BoundedMasks, Decision, MaskPixels, PixelRule, fill_map


class Nearest(PixelRule):
    """The mask whose logit is nearest to 3; counts the pixels of which logits are read."""

    def __init__(self):
        self.pixels = 0

    def bound(self, part: BoundedMasks) -> Decision:
        at_least = torch.maximum(part.low - 3, 3 - part.high).clamp(min=0)
        at_most = torch.maximum((part.low - 3).abs(), (part.high - 3).abs())
        may_be = at_least <= at_most.amin(0) * (1 + 1e-4)
        return Decision(part.masks[may_be.int().argmax(0)], may_be & (may_be.sum(0) > 1), part.scores)

    def compute(self, part: MaskPixels) -> torch.Tensor:
        self.pixels += part.is_pixel.sum().item()
        distance = (part.logits - 3).abs().masked_fill(~part.is_mask[:, :, None], torch.inf)
        return part.masks.gather(1, distance.argmin(1))


class Counts(PixelRule):
    """Choices are the parities of masks; the one with more masks above 0 wins, 0 if both have as many."""

    num_choices = 2

    def bound(self, part: BoundedMasks) -> Decision:
        parity = torch.stack((part.masks % 2 == 0, part.masks % 2 == 1)).float()  # [C, n]
        least, greatest = (part.scores.T + parity @ (bound > 0).float() for bound in (part.low, part.high))
        may_win = greatest >= least.amax(0)
        needed = ((part.low > 0) != (part.high > 0)) & (may_win.sum(0) > 1)
        scores = part.scores.T + parity @ ((part.low > 0) & ~needed).float()
        scores = scores.where(may_win, -torch.inf)
        return Decision(scores.max(0).indices, needed, scores.T)

    def compute(self, part: MaskPixels) -> torch.Tensor:
        above = (part.logits > 0) & part.is_mask[:, :, None]
        of_choice = part.masks[:, None] % 2 == part.choices[:, :, None]  # [b, c, n]
        scores = part.scores[:, :, None] + of_choice.float() @ above.float()
        return part.choices.gather(1, scores.max(1).indices)


@pytest.fixture(params=['tiles', 'blocks', 'blocks of small tiles'])
def by(request, monkeypatch):
    monkeypatch.setattr(pixel_map, 'in_small_steps', lambda _: request.param != 'tiles')
    monkeypatch.setattr(tiles, 'tile_side', lambda _: 16)
    if request.param == 'blocks of small tiles':
        monkeypatch.setattr(block_axis, 'TILE', 2)
    block_axis.cut_into_blocks.cache_clear()
    yield
    block_axis.cut_into_blocks.cache_clear()


@pytest.mark.usefixtures('by')
def test_a_rule_for_each_pixel(draw_masks, full_size, geometry):
    masks, queries = draw_masks(6), torch.tensor([5, 0, 2, 3])
    distance = (full_size(masks)[queries] - 3).abs()
    found = fill_map(masks, geometry, queries, Nearest())
    assert found.shape == geometry.original
    chosen = distance.gather(0, found[None])[0]
    torch.testing.assert_close(chosen, distance.amin(0), atol=1e-3, rtol=0)


@pytest.mark.usefixtures('by')
def test_choices_add_up(draw_masks, full_size, geometry):
    masks = draw_masks(6)
    above = full_size(masks) > 0
    expected = (above[1::2].sum(0) > above[::2].sum(0)).long()
    found = fill_map(masks, geometry, None, Counts())
    on_edge = full_size(masks).abs().amin(0) < 1e-4
    assert torch.equal(found[~on_edge], expected[~on_edge])


@pytest.mark.usefixtures('by')
@pytest.mark.parametrize('geometry', ['much larger'], indirect=True)
def test_pixels_are_not_computed_without_need(draw_masks, geometry):
    rule = Nearest()
    masks = draw_masks(3)
    masks[1:] += 60
    masks[1:, :, : masks.shape[2] // 3] -= 60
    fill_map(masks, geometry, None, rule)
    assert 0 < rule.pixels < 0.75 * geometry.original[0] * geometry.original[1]
