"""From the logits of the queries to semantic, instance and panoptic segmentation (Mask2Former, arXiv 2112.01527).

Pure functions of the predictions for one image with one task's token. They do not loop over segments or copy masks to
the host, and compute only the pixels that the bounds of their tile leave open: see ``mask_tiles.py``.

Shapes: Q queries, K classes, h x w logits of a mask at stride 4, H x W pixels of the original image, T tiles.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmoneformer.models.mask_tiles import MaskGeometry, MaskTiles, split_by_tile
from mmoneformer.models.ops.dispatch import empty_masks, full_precision
from mmoneformer.structures.panoptic_ids import encode_panoptic

ROUNDING = 1e-6  # relative error of scores: bounds decide only between scores that differ by more
NEGLIGIBLE = 1e-8  # change of a class score, which is about 1 and summed in float32


class Instances(NamedTuple):
    """The N instances of an image, highest score first.

    Attributes:
        masks: bool [N, H, W].
        labels: [N].
        scores: 0 to 1, [N].
        bboxes: x1, y1, x2, y2 in pixels, the last two exclusive; zeros for an empty mask, [N, 4].
        queries: Index of the query of each, [N].
    """

    masks: Tensor
    labels: Tensor
    scores: Tensor
    bboxes: Tensor
    queries: Tensor


class PanopticMap(NamedTuple):
    """The N segments of an image, which do not overlap.

    Attributes:
        pixels: Id of each pixel's segment: the label, plus 1000 times the instance number (from 1) for things; void is
            the number of classes; int64 [H, W].
        ids: Ids of the segments, ascending, [N].
        scores: Probability of the segment's class; the highest of its queries where stuff was merged; 0 to 1, [N].
        queries: Index of the query with that score, [N].
    """

    pixels: Tensor
    ids: Tensor
    scores: Tensor
    queries: Tensor


class Thresholds(NamedTuple):
    """Which queries and segments are part of a panoptic map.

    Attributes:
        object_mask: Queries need a higher class score than this, 0 to 1.
        overlap: Segments need at least this share of their mask left by the others, 0 to 1.
    """

    object_mask: float
    overlap: float


def semantic_scores(class_logits: Tensor, mask_logits: Tensor) -> Tensor:
    """Score of each class at each pixel: class probability times mask probability, summed over the queries.

    Args:
        class_logits: [Q, K + 1].
        mask_logits: [Q, ...], of the same type.

    Returns:
        Scores, at least 0, [K, ...].
    """
    with full_precision(class_logits):
        return _sum_scores(class_logits.softmax(-1)[:, :-1], mask_logits)


def _sum_scores(probabilities: Tensor, mask_logits: Tensor) -> Tensor:
    """``semantic_scores`` from the probabilities of some classes, [Q, K]."""
    return torch.einsum('qk,q...->k...', probabilities, mask_logits.sigmoid())


def semantic_map(class_logits: Tensor, mask_logits: Tensor, geometry: MaskGeometry) -> Tensor:
    """Label of each pixel: the class with the highest score.

    Args:
        class_logits: [Q, K + 1].
        mask_logits: [Q, h, w].
        geometry: Sizes of input, image and result.

    Returns:
        int64 [H, W].
    """
    tiles = MaskTiles(mask_logits, geometry)
    probabilities = class_logits.float().softmax(-1)[:, :-1]
    low, high = tiles.low.sigmoid(), tiles.high.sigmoid()
    least, greatest = probabilities.T @ low, probabilities.T @ high
    may_win = greatest >= least.amax(0) * (1 - ROUNDING)  # [K, T]
    needed = ((high - low) * probabilities.amax(1, keepdim=True) > NEGLIGIBLE) & (may_win.count_nonzero(0) > 1)
    settled = probabilities.T @ torch.where(needed, 0, (low + high) / 2)
    labels = tiles.expand(settled.max(0).indices)
    classes_of_tiles = split_by_tile(may_win)
    for tile, pixels, queries, logits in tiles.read(needed):
        classes = classes_of_tiles[tile]
        scores = _sum_scores(probabilities[queries[:, None], classes], logits) + settled[classes, tile, None, None]
        labels[pixels] = classes[_first_maximum(scores)]
    return labels


def _first_maximum(scores: Tensor) -> Tensor:
    """Index of the highest of K scores, [K, ...] to int64 [...]; on a CPU, twice as fast as ``max`` and ``argmax``."""
    numbers = torch.arange(len(scores), dtype=torch.int16, device=scores.device)
    lower = scores < scores.amax(0)  # and not what is equal: NaN is not
    return torch.where(lower, len(scores), numbers.view(-1, *[1] * (scores.ndim - 1))).amin(0).long()


def panoptic_map(
    class_logits: Tensor,
    mask_logits: Tensor,
    geometry: MaskGeometry,
    *,
    is_thing: Tensor,
    thresholds: Thresholds,
) -> PanopticMap:
    """Segments of things and stuff, at most one at each pixel.

    Of the queries above the threshold, a pixel belongs to the one with the highest class score times mask probability,
    if it is inside that mask. Segments that keep too little of their mask are dropped. Stuff of one class is merged.

    Args:
        class_logits: [Q, K + 1].
        mask_logits: [Q, h, w].
        geometry: Sizes of input, image and result.
        is_thing: bool [K].
        thresholds: Which queries and segments are kept.
    """
    void = len(is_thing)
    scores, labels = class_logits.float().softmax(-1).max(-1)
    kept = ((labels != void) & (scores > thresholds.object_mask)).nonzero().squeeze(1)  # once: it waits for a GPU
    scores, labels, mask_logits = scores[kept], labels[kept], mask_logits[kept]
    count = len(labels)
    if count == 0:
        return PanopticMap(torch.full(geometry.original, void, device=labels.device), labels, scores, kept)

    winner, inside, mask_area = _assign_pixels(MaskTiles(mask_logits, geometry), scores)
    won_area = winner.flatten().bincount(minlength=count)
    owner = torch.where(inside, winner, count)  # the mask of a pixel that is inside of it
    segment_area = owner.flatten().bincount(minlength=count + 1)[:count]
    valid = (segment_area > 0) & (won_area / mask_area >= thresholds.overlap)
    instance = (valid & is_thing[labels]).cumsum(0) * is_thing[labels]
    segment = torch.where(valid, encode_panoptic(labels, instance), void)
    found = valid.nonzero().squeeze(1)
    ids, which = segment[found].unique(return_inverse=True)
    best = torch.zeros_like(scores[: len(ids)]).scatter_reduce(0, which, scores[found], 'amax')
    of_best = torch.where(scores[found] == best[which], kept[found], len(class_logits))
    queries = torch.full_like(ids, len(class_logits)).scatter_reduce(0, which, of_best, 'amin')
    return PanopticMap(F.pad(segment, (0, 1), value=void)[owner], ids, best, queries)


def _assign_pixels(tiles: MaskTiles, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Assign each pixel to one of N masks.

    Args:
        tiles: The masks.
        scores: Class score of each mask, [N].

    Returns:
        The mask with the highest score times probability at each pixel, int64 [H, W]; whether the pixel is inside that
        mask, bool [H, W]; number of pixels inside each mask, [N].
    """
    low, high = tiles.low.sigmoid(), tiles.high.sigmoid()
    least = scores[:, None] * low
    may_win = scores[:, None] * high >= least.amax(0) * (1 - ROUNDING)
    on_edge = (low < 0.5) & (high >= 0.5)
    needed = (may_win | on_edge) & ((may_win.count_nonzero(0) > 1) | on_edge.any(0))
    first = may_win.int().argmax(0)  # the only one, or overwritten
    winner, inside = tiles.expand(first), tiles.expand(low.gather(0, first[None])[0] >= 0.5)
    mask_area = ((low >= 0.5) & ~needed).mul(tiles.area).sum(1)
    for _, pixels, queries, logits in tiles.read(needed):
        probabilities = logits.sigmoid()
        best = (scores[queries, None, None] * probabilities).max(0).indices
        is_inside = probabilities >= 0.5
        winner[pixels], inside[pixels] = queries[best], is_inside.gather(0, best[None])[0]
        mask_area[queries] += is_inside.flatten(1).count_nonzero(1)
    return winner, inside, mask_area


def find_instances(
    class_logits: Tensor, mask_logits: Tensor, geometry: MaskGeometry, *, is_thing: Tensor, max_per_image: int
) -> Instances:
    """The pairs of query and class with the highest scores, of which those of thing classes are instances.

    The score of an instance is its class score times the mean probability inside its mask.

    Args:
        class_logits: [Q, K + 1].
        mask_logits: [Q, h, w].
        geometry: Sizes of input, image and result.
        is_thing: bool [K].
        max_per_image: Number of pairs, before those of stuff classes are dropped.
    """
    scores = class_logits.float().softmax(-1)[:, :-1].flatten()
    scores, pairs = scores.topk(min(max_per_image, len(scores)))
    labels = pairs % len(is_thing)
    things = is_thing[labels].nonzero().squeeze(1)
    scores, labels = scores[things], labels[things]
    queries, which = (pairs[things] // len(is_thing)).unique(return_inverse=True)  # of each mask; masks of instances
    cut, mask_scores = _threshold_masks(mask_logits[queries], geometry)
    scores, order = (scores * mask_scores[which]).sort(descending=True, stable=True)
    masks = _join(cut, which[order], geometry.original)
    return Instances(masks, labels[order], scores, mask_boxes(masks), queries[which[order]])


class _CutMasks(NamedTuple):
    """N masks as their parts in T tiles, without those that are empty.

    Attributes:
        needed: Which masks have a part in which tiles, bool [N, T].
        parts: For each tile that has any, its rows and columns, and the parts of its n masks, bool [n, rows, columns].
    """

    needed: Tensor
    parts: list[tuple[tuple[slice, slice], Tensor]]


def _threshold_masks(mask_logits: Tensor, geometry: MaskGeometry) -> tuple[_CutMasks, Tensor]:
    """N masks where logits are above 0, and the mean probability inside each, [N]."""
    tiles = MaskTiles(mask_logits, geometry)
    area, total = (torch.zeros(len(mask_logits), device=mask_logits.device) for _ in range(2))
    cut = _CutMasks(tiles.high > 0, [])
    for _, pixels, queries, logits in tiles.read(cut.needed):
        inside = logits > 0
        cut.parts.append((pixels, inside))
        area[queries] += inside.flatten(1).count_nonzero(1)
        total[queries] += (logits.sigmoid() * inside).sum((1, 2))
    return cut, total / (area + 1e-6)


def _join(cut: _CutMasks, which: Tensor, size: tuple[int, int]) -> Tensor:
    """Join the parts of masks: masks are large, so only what is inside of them is written, and once.

    Args:
        cut: The masks.
        which: The mask of each of N instances, [N]; each mask is that of one at least.
        size: H and W.

    Returns:
        bool [N, H, W].
    """
    masks = empty_masks((len(which), *size), beside=which)
    places = (cut.needed.cumsum(0) - 1)[which].T  # of the mask of each instance among those of a tile, [T, N]
    instances_of_tiles = zip(split_by_tile(cut.needed[which]), places, strict=True)
    filled = [(instances, places) for instances, places in instances_of_tiles if len(instances)]
    for ((rows, columns), inside), (instances, places) in zip(cut.parts, filled, strict=True):
        masks[instances, rows, columns] = inside.index_select(0, places[instances])
    return masks


def mask_boxes(masks: Tensor) -> Tensor:
    """Bounding boxes of masks, bool [N, H, W].

    Returns:
        x1, y1, x2, y2 in pixels, the last two exclusive; zeros for an empty mask; float32 [N, 4].
    """
    corners = []
    bytes_ = masks.view(torch.uint8)  # far faster than any() of booleans
    for occupied in (bytes_.amax(1), bytes_.amax(2)):  # columns, then rows
        length = occupied.shape[1]
        first = occupied.argmax(1)
        last = length - occupied.flip(1).argmax(1)
        corners.append(torch.stack((first, last), dim=1) * occupied.amax(1, keepdim=True))
    (x, y) = corners
    return torch.stack((x[:, 0], y[:, 0], x[:, 1], y[:, 1]), dim=1).float()
