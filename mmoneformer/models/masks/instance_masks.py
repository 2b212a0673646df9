"""Masks of instances: where logits are above 0, at the size of the original image.

Masks are large, and most of a mask is empty: what is outside is neither computed nor written. A GPU goes tile by tile,
a CPU looks at small blocks.

Shapes: U masks, N instances, of which several may have the same mask; B blocks of P pixels.
"""

import torch
from torch import Tensor

from mmoneformer.models.masks.block_batches import Batch, NeededMasks, make_batches
from mmoneformer.models.masks.blocks import MaskBlocks
from mmoneformer.models.masks.boxes import mask_boxes, occupied_boxes
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.tiles import MaskTiles, split_by_tile
from mmoneformer.models.ops.dispatch import empty_masks, in_small_steps

NEGLIGIBLE = 1e-7  # difference of probabilities
NO_PIXEL = 1e-6  # the score of an empty mask is 0


def threshold_masks(mask_logits: Tensor, geometry: MaskGeometry, queries: Tensor) -> 'MasksByTiles | MasksByBlocks':
    """Threshold U masks.

    Args:
        mask_logits: [Q, h, w].
        geometry: Sizes of input, image and result.
        queries: Which of the masks, [U].
    """
    return (MasksByBlocks if in_small_steps(mask_logits) else MasksByTiles)(mask_logits, geometry, queries)


class MasksByTiles:
    """U masks, as their parts in T tiles, without those that are empty.

    Args:
        mask_logits: [Q, h, w].
        geometry: Sizes of input, image and result.
        queries: Which of the masks, [U].

    Attributes:
        scores: Mean probability inside each mask, 0 for an empty one, [U].
    """

    def __init__(self, mask_logits: Tensor, geometry: MaskGeometry, queries: Tensor) -> None:
        self._size = geometry.original
        tiles = MaskTiles(mask_logits.index_select(0, queries), geometry)
        self._needed = tiles.high > 0
        self._parts: list[tuple[tuple[slice, slice], Tensor]] = []
        area, total = mask_logits.new_zeros(2, len(queries), dtype=torch.float32)
        for _, pixels, masks, logits in tiles.read(self._needed):
            inside = logits > 0
            self._parts.append((pixels, inside))
            area[masks] += inside.flatten(1).count_nonzero(1)
            total[masks] += (logits.sigmoid() * inside).sum((1, 2))
        self.scores = total / (area + NO_PIXEL)

    def join(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Join the parts.

        Args:
            which: The mask of each of N instances, [N]; each mask is that of one at least.

        Returns:
            Masks, bool [N, H, W], and their boxes, as in ``mask_boxes``.
        """
        joined = empty_masks((len(which), *self._size), beside=which)
        places = (self._needed.cumsum(0) - 1)[which].T  # of the mask of each instance among those of a tile, [T, N]
        instances_of_tiles = zip(split_by_tile(self._needed[which]), places, strict=True)
        filled = [(instances, places) for instances, places in instances_of_tiles if len(instances)]
        for ((rows, columns), inside), (instances, places) in zip(self._parts, filled, strict=True):
            joined[instances, rows, columns] = inside.index_select(0, places[instances])
        return joined, mask_boxes(joined)


class MasksByBlocks:
    """U masks, as the blocks that are inside, and those on the edge with their pixels.

    Args, attributes and methods: as in ``MasksByTiles``.
    """

    def __init__(self, mask_logits: Tensor, geometry: MaskGeometry, queries: Tensor) -> None:
        self._size = geometry.original
        self._blocks = MaskBlocks(mask_logits, geometry, queries)
        count = len(queries)
        self._present, self._inside = torch.zeros(2, count, len(self._blocks.area), dtype=torch.bool)
        self._area, self._total = torch.zeros(2, count)
        parts = []
        for tile, masks in enumerate(split_by_tile(self._blocks.high > 0)):
            if len(masks):
                blocks = self._blocks.of_tile(tile)
                low, high = self._blocks.bound(tile, masks)
                self._present[masks[:, None], blocks], self._inside[masks[:, None], blocks] = high > 0, low > 0
                least = low.sigmoid()
                settled = (low > 0) & (high.sigmoid() - least <= NEGLIGIBLE)
                self._area[masks] += (settled * self._blocks.area[blocks]).sum(1)
                self._total[masks] += (settled * least) @ self._blocks.area[blocks].float()
                parts.append(NeededMasks.of(blocks, masks, (high > 0) & ~settled))
        none = torch.zeros(0, dtype=torch.int64)
        edges = [(none, none, torch.zeros(0, self._blocks.block_size, dtype=torch.bool))]
        edges += [self._read(batch) for batch in make_batches(parts, self._blocks.block_size)]
        masks, blocks, inside = map(torch.cat, zip(*edges, strict=True))
        order, counts = masks.argsort(), masks.bincount(minlength=count).tolist()
        self._edges = list(zip(blocks[order].split(counts), inside[order].split(counts), strict=True))  # of each mask
        self.scores = self._total / (self._area + NO_PIXEL)

    def _read(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Add what is inside to area and total.

        Returns:
            For e blocks on an edge: index of the mask, [e]; number of the block, [e]; its pixels, bool [e, P].
        """
        logits = self._blocks.read(batch.blocks, batch.masks)
        inside = logits > 0
        counted = inside & self._blocks.is_pixel(batch.blocks)[:, None] & batch.is_mask[:, :, None]
        masks = batch.masks.flatten()
        self._area.index_add_(0, masks, counted.sum(2, dtype=torch.float32).flatten())
        self._total.index_add_(0, masks, logits.sigmoid_().mul_(counted).sum(2).flatten())
        on_edge = batch.is_mask & ~self._inside[batch.masks, batch.blocks[:, None]]
        return batch.masks[on_edge], batch.blocks[on_edge.nonzero()[:, 0]], inside[on_edge]

    def join(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """See ``MasksByTiles``."""
        height, width = self._size
        joined = empty_masks((len(which), height, width), beside=which)
        occupied_columns, occupied_rows = (
            torch.zeros(len(which), side, dtype=torch.uint8) for side in (width, height)
        )
        windows = self._blocks.windows(self._present)
        for instance, mask in enumerate(which.tolist()):
            rows, columns = windows[mask]
            if rows.stop:
                pixels, (blocks, inside) = joined[instance], self._edges[mask]
                pixels[rows, columns] = self._blocks.expand(self._inside[mask], rows, columns)
                pixels.view(-1).scatter_(0, self._blocks.pixels(blocks).view(-1), inside.view(-1))
                window = pixels[rows, columns].view(torch.uint8)
                occupied_columns[instance, columns], occupied_rows[instance, rows] = window.amax(0), window.amax(1)
        return joined, occupied_boxes(occupied_columns, occupied_rows).float()
