"""Queries -> results of the three tasks (paper section 3.4; Mask2Former, arXiv 2112.01527, section 3.4).

Pure functions of one image's predictions under the task's own token. None of them loops over segments, copies masks
to the host, or computes pixels that bounds of their tile settle: see ``mask_tiles.py``.

Shapes: Q queries, K classes, h x w cells of stride 4, H x W pixels of the original image, T tiles.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mmoneformer.models.mask_tiles import MaskGeometry, MaskTiles
from mmoneformer.structures.panoptic_ids import encode_panoptic

ROUNDING = 1e-6  # relative: bounds settle what is further apart
NEGLIGIBLE = 1e-8  # of the score of a class: it is summed in float32, and about one


class Instances(NamedTuple):
    """Instances, best first.

    Attributes:
        masks: bool [N, H, W].
        labels: [N].
        scores: 0 to 1, [N].
        bboxes: x1, y1, x2, y2 in pixels, the last two exclusive; zeros for an empty mask, [N, 4].
    """

    masks: Tensor
    labels: Tensor
    scores: Tensor
    bboxes: Tensor


class PanopticMap(NamedTuple):
    """Segments that share out the image.

    Attributes:
        pixels: Id of each pixel's segment: the label, plus 1000 times the number of the instance (from 1) for things;
            the number of classes is void; int64 [H, W].
        ids: Of the N segments, ascending, [N].
        scores: Probability of the segment's class, of the surest query where stuff was merged, 0 to 1, [N].
    """

    pixels: Tensor
    ids: Tensor
    scores: Tensor


class Thresholds(NamedTuple):
    """Which queries and segments a panoptic map shows.

    Attributes:
        object_mask: Queries need a higher score than this.
        overlap: Segments need at least this share of their mask left by the others.
    """

    object_mask: float
    overlap: float


def semantic_scores(class_logits: Tensor, mask_logits: Tensor) -> Tensor:
    """Scores of the classes at each pixel: how much its queries are of a class, summed over the queries.

    Args:
        class_logits: [Q, K + 1].
        mask_logits: At any size or rows, [Q, ..., W].

    Returns:
        [K, ..., W].
    """
    return torch.einsum('qk,q...->k...', class_logits.softmax(-1)[:, :-1], mask_logits.sigmoid())


def semantic_map(class_logits: Tensor, mask_logits: Tensor, geometry: MaskGeometry) -> Tensor:
    """Label of each pixel.

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
    open_tiles = (greatest >= least.amax(0) * (1 - ROUNDING)).count_nonzero(0) > 1
    needed = ((high - low) * probabilities.amax(1, keepdim=True) > NEGLIGIBLE) & open_tiles
    settled = probabilities.T @ torch.where(needed, 0, (low + high) / 2)
    labels = tiles.expand(settled.max(0).indices)
    for tile, pixels, queries, logits in tiles.read(needed):
        scores = semantic_scores(class_logits[queries].float(), logits) + settled[:, tile, None, None]
        labels[pixels] = scores.max(0).indices  # faster than argmax
    return labels


def panoptic_map(
    class_logits: Tensor,
    mask_logits: Tensor,
    geometry: MaskGeometry,
    *,
    is_thing: Tensor,
    thresholds: Thresholds,
) -> PanopticMap:
    """Segment of each pixel, and how sure each segment is.

    Args:
        class_logits: [Q, K + 1].
        mask_logits: [Q, h, w].
        geometry: Sizes of input, image and result.
        is_thing: bool [K].
        thresholds: Which queries and segments count.
    """
    void = len(is_thing)
    scores, labels = class_logits.float().softmax(-1).max(-1)
    kept = (labels != void) & (scores > thresholds.object_mask)
    scores, labels, mask_logits = scores[kept], labels[kept], mask_logits[kept]
    count = len(labels)
    if count == 0:
        return PanopticMap(torch.full(geometry.original, void, device=labels.device), labels, scores)

    tiles = MaskTiles(mask_logits, geometry)
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

    won_area = winner.flatten().bincount(minlength=count)
    segment_area = (winner * inside + count * ~inside).flatten().bincount(minlength=count + 1)[:count]
    valid = (segment_area > 0) & (won_area / mask_area >= thresholds.overlap)
    instance = (valid & is_thing[labels]).cumsum(0) * is_thing[labels]
    segment = torch.where(valid, encode_panoptic(labels, instance), void)
    ids, which = segment[valid].unique(return_inverse=True)
    best = torch.zeros_like(scores[: len(ids)]).scatter_reduce(0, which, scores[valid], 'amax')
    return PanopticMap(torch.where(inside, segment[winner], void), ids, best)


def find_instances(
    class_logits: Tensor, mask_logits: Tensor, geometry: MaskGeometry, *, is_thing: Tensor, max_per_image: int
) -> Instances:
    """The best pairs of query and class, as far as the class is a thing.

    Args:
        class_logits: [Q, K + 1].
        mask_logits: [Q, h, w].
        geometry: Sizes of input, image and result.
        is_thing: bool [K].
        max_per_image: How many pairs are chosen, before things are kept.
    """
    scores = class_logits.float().softmax(-1)[:, :-1].flatten()
    scores, pairs = scores.topk(min(max_per_image, len(scores)))
    labels = pairs % len(is_thing)
    things = is_thing[labels]
    scores, labels = scores[things], labels[things]
    queries, which = (pairs[things] // len(is_thing)).unique(return_inverse=True)
    masks, mask_scores = _threshold_masks(mask_logits[queries], geometry)
    scores, order = (scores * mask_scores[which]).sort(descending=True, stable=True)
    masks = masks[which[order]]
    return Instances(masks, labels[order], scores, mask_boxes(masks))


def _threshold_masks(mask_logits: Tensor, geometry: MaskGeometry) -> tuple[Tensor, Tensor]:
    """Masks [N, H, W] of logits above 0, and the mean probability inside of each, [N]."""
    tiles = MaskTiles(mask_logits, geometry)
    masks = torch.zeros(len(mask_logits), *geometry.original, dtype=torch.bool, device=mask_logits.device)
    area, total = (torch.zeros(len(mask_logits), device=mask_logits.device) for _ in range(2))
    for _, (rows, columns), queries, logits in tiles.read(tiles.high > 0):
        inside = logits > 0
        masks[queries, rows, columns] = inside
        area[queries] += inside.flatten(1).count_nonzero(1)
        total[queries] += (logits.sigmoid() * inside).sum((1, 2))
    return masks, total / (area + 1e-6)


def mask_boxes(masks: Tensor) -> Tensor:
    """Boxes around masks [N, H, W]: x1, y1, x2, y2, the last two exclusive; zeros for an empty mask; [N, 4]."""
    corners = []
    bytes_ = masks.view(torch.uint8)  # far faster than any() of booleans
    for occupied in (bytes_.amax(1), bytes_.amax(2)):  # columns, then rows
        length = occupied.shape[1]
        first = occupied.argmax(1)
        last = length - occupied.flip(1).argmax(1)
        corners.append(torch.stack((first, last), dim=1) * occupied.amax(1, keepdim=True))
    (x, y) = corners
    return torch.stack((x[:, 0], y[:, 0], x[:, 1], y[:, 1]), dim=1).float()
