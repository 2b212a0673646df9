"""A map that gives each pixel of an image a value, by a rule on the logits of the masks there.

Bounds of the logits come first: where they determine the value, or the part of some masks in it, no pixel is computed.
Where they do not, a GPU computes all pixels of a tile; a CPU looks at bounds of small blocks before.

Shapes: N masks of the image; n masks in b blocks, of P pixels each; of C choices, c are left in a block.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from mmoneformer.models.masks.block_batches import NeededMasks, list_marks, make_batches
from mmoneformer.models.masks.blocks import MaskBlocks
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.tiles import MaskTiles, split_by_tile
from mmoneformer.models.ops.dispatch import in_small_steps


class BoundedMasks(NamedTuple):
    """Bounds of masks in blocks.

    Attributes:
        masks: Indices of the masks, [n].
        low: Lower bounds of their logits, [n, b].
        high: Upper bounds, [n, b].
        area: Number of pixels of each block, [b].
        scores: What masks that are not among these add to the score of each choice, [b, C].
    """

    masks: Tensor
    low: Tensor
    high: Tensor
    area: Tensor
    scores: Tensor


class Decision(NamedTuple):
    """What follows from bounds.

    Attributes:
        values: Value of all pixels of each block in which no mask is needed, int64 [b].
        needed: Which masks are needed, bool [n, b].
        scores: What the others add to the score of each choice, -inf for a choice that is out, [b, C].
    """

    values: Tensor
    needed: Tensor
    scores: Tensor


class MaskPixels(NamedTuple):
    """Logits of masks at pixels of blocks.

    Attributes:
        masks: Indices of the masks, [b, n].
        is_mask: False for those that only fill a row up, bool [b, n].
        logits: float32 [b, n, P].
        is_pixel: False for pixels that only fill a block up, bool [b, P].
        choices: Indices of the choices that are left, ascending, the last one repeated to fill a row up, [b, c].
        scores: What masks that are not among these add to their scores, [b, c].
    """

    masks: Tensor
    is_mask: Tensor
    logits: Tensor
    is_pixel: Tensor
    choices: Tensor
    scores: Tensor


class PixelRule(ABC):
    """How the value of a pixel follows from the logits there; it may also count pixels.

    Attributes:
        num_choices: C, between which a rule decides by scores that masks add to; 0 if it does not.
    """

    num_choices = 0

    @abstractmethod
    def bound(self, part: BoundedMasks) -> Decision:
        """Decide by bounds, first in tiles, then in blocks of them with the masks that are needed there."""

    @abstractmethod
    def compute(self, part: MaskPixels) -> Tensor:
        """Values of pixels, int64 [b, P]."""


def fill_map(mask_logits: Tensor, geometry: MaskGeometry, queries: Tensor | None, rule: PixelRule) -> Tensor:
    """Apply a rule to all pixels.

    Args:
        mask_logits: [Q, h, w].
        geometry: Sizes of input, image and result.
        queries: Which of the masks, [N]; None for all.
        rule: The rule.

    Returns:
        int64 [H, W].
    """
    return (_by_blocks if in_small_steps(mask_logits) else _by_tiles)(mask_logits, geometry, queries, rule)


def _bound_tiles(tiles: MaskTiles | MaskBlocks, area: Tensor, rule: PixelRule) -> Decision:
    masks = torch.arange(len(tiles.low), device=area.device)
    scores = tiles.low.new_zeros(len(area), rule.num_choices)
    return rule.bound(BoundedMasks(masks, tiles.low, tiles.high, area, scores))


def _by_tiles(mask_logits: Tensor, geometry: MaskGeometry, queries: Tensor | None, rule: PixelRule) -> Tensor:
    """``fill_map`` in few large steps, and with two waits for the device."""
    tiles = MaskTiles(mask_logits if queries is None else mask_logits.index_select(0, queries), geometry)
    decision = _bound_tiles(tiles, tiles.area, rule)
    result = tiles.expand(decision.values)
    choices = (
        split_by_tile((decision.scores > -torch.inf).T) if rule.num_choices else [tiles.area[:0]] * len(tiles.area)
    )
    for tile, pixels, masks, logits in tiles.read(decision.needed):
        logits, shape = logits.flatten(1)[None], logits.shape[1:]
        is_mask, is_pixel = (torch.ones_like(part, dtype=torch.bool) for part in (masks[None], logits[:, 0]))
        left = choices[tile][None]
        part = MaskPixels(masks[None], is_mask, logits, is_pixel, left, decision.scores[tile, left])
        result[pixels] = rule.compute(part).view(shape)
    return result


def _by_blocks(mask_logits: Tensor, geometry: MaskGeometry, queries: Tensor | None, rule: PixelRule) -> Tensor:
    """``fill_map`` in many small steps."""
    blocks = MaskBlocks(mask_logits, geometry, queries)
    decision = _bound_tiles(blocks, blocks.tile_area, rule)
    values = blocks.expand_tiles(decision.values)
    parts, left_scores = [], [decision.scores[:0]]
    for tile, masks in enumerate(split_by_tile(decision.needed)):
        if len(masks):
            numbers = blocks.of_tile(tile)
            so_far = decision.scores[tile].expand(len(numbers), -1)
            found = rule.bound(BoundedMasks(masks, *blocks.bound(tile, masks), blocks.area[numbers], so_far))
            values[numbers] = found.values
            parts.append(NeededMasks.of(numbers, masks, found.needed))
            left_scores.append(found.scores[found.needed.any(0)])
    scores = torch.cat(left_scores)
    result = blocks.expand(values)
    pixels_of_image = result.view(-1)
    for chosen, numbers, masks, is_mask in make_batches(parts, blocks.block_size):
        left = scores[chosen]
        choices = list_marks(left > -torch.inf)
        logits, is_pixel = blocks.read(numbers, masks), blocks.is_pixel(numbers)
        part = MaskPixels(masks, is_mask, logits, is_pixel, choices, left.gather(1, choices))
        pixels_of_image.scatter_(0, blocks.pixels(numbers).view(-1), rule.compute(part).view(-1))
    return result
