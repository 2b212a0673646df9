"""From the logits of the queries to semantic, instance and panoptic segmentation (Mask2Former, arXiv 2112.01527).

Pure functions of the predictions for one image with one task's token. They do not loop over segments or copy masks to
the host, and compute only the pixels that bounds leave open: see ``masks/``.

Shapes: Q queries, K classes, h x w logits of a mask at stride 4, H x W pixels of the original image, T tiles.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.instance_masks import threshold_masks
from mmoneformer.models.masks.pixel_map import BoundedMasks, Decision, MaskPixels, PixelRule, fill_map
from mmoneformer.models.ops.dispatch import full_precision
from mmoneformer.structures.panoptic_ids import encode_panoptic

ROUNDING = 1e-6  # relative error of scores: bounds decide only between scores that differ by more
NEGLIGIBLE = 1e-8  # change of a class score, relative to the highest one: they are summed in float32


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
        return torch.einsum('qk,q...->k...', class_logits.softmax(-1)[:, :-1], mask_logits.sigmoid())


def semantic_map(class_logits: Tensor, mask_logits: Tensor, geometry: MaskGeometry) -> Tensor:
    """Label of each pixel: the class with the highest score.

    Args:
        class_logits: [Q, K + 1].
        mask_logits: [Q, h, w].
        geometry: Sizes of input, image and result.

    Returns:
        int64 [H, W].
    """
    return fill_map(mask_logits, geometry, None, HighestClass(class_logits.float().softmax(-1)[:, :-1]))


class HighestClass(PixelRule):
    """The class with the highest score.

    Args:
        probabilities: Of each class by the queries, [Q, K].
    """

    def __init__(self, probabilities: Tensor) -> None:
        self._probabilities = probabilities
        self.num_choices = probabilities.shape[1]

    def bound(self, part: BoundedMasks) -> Decision:
        """See ``PixelRule``."""
        probabilities = self._probabilities[part.masks]
        low, high = part.low.sigmoid(), part.high.sigmoid()
        least, greatest = (part.scores.T + probabilities.T @ bound for bound in (low, high))
        best = least.amax(0)
        may_win = greatest >= best * (1 - ROUNDING)  # [K, b]
        matters = (high - low) * probabilities.amax(1, keepdim=True) > NEGLIGIBLE * best
        needed = matters & (may_win.sum(0) > 1)
        scores = part.scores.T + probabilities.T @ torch.where(needed, 0, (low + high) / 2)
        scores = torch.where(may_win, scores, -torch.inf)
        return Decision(scores.max(0).indices, needed, scores.T)

    def compute(self, part: MaskPixels) -> Tensor:
        """See ``PixelRule``."""
        weights = (
            self._probabilities[part.masks[:, None], part.choices[:, :, None]] * part.is_mask[:, None]
        )  # [b, c, n]
        scores = torch.baddbmm(part.scores[:, :, None], weights, part.logits.sigmoid_())
        return part.choices.gather(1, _first_maximum(scores, dim=1))


def _first_maximum(scores: Tensor, dim: int) -> Tensor:
    """Index of the highest score along a dimension, int64; on a CPU, twice as fast as ``max`` and ``argmax``."""
    count = scores.shape[dim]
    numbers = torch.arange(count, dtype=torch.int16, device=scores.device).view(-1, *[1] * (scores.ndim - dim - 1))
    lower = scores < scores.amax(dim, keepdim=True)  # and not what is equal: NaN is not
    return torch.where(lower, count, numbers).amin(dim).long()


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
    scores, labels = scores[kept], labels[kept]
    count = len(labels)
    if count == 0:
        return PanopticMap(torch.full(geometry.original, void, device=labels.device), labels, scores, kept)

    rule = HighestMask(scores)
    pixels = fill_map(mask_logits, geometry, kept, rule)
    outside, segment_area = pixels.flatten().bincount(minlength=2 * count).view(count, 2).unbind(1)
    valid = (segment_area > 0) & ((outside + segment_area) / rule.area >= thresholds.overlap)
    instance = (valid & is_thing[labels]).cumsum(0) * is_thing[labels]
    segment = torch.where(valid, encode_panoptic(labels, instance), void)
    found = valid.nonzero().squeeze(1)
    ids, which = segment[found].unique(return_inverse=True)
    best = torch.zeros_like(scores[: len(ids)]).scatter_reduce(0, which, scores[found], 'amax')
    of_best = torch.where(scores[found] == best[which], kept[found], len(class_logits))
    queries = torch.full_like(ids, len(class_logits)).scatter_reduce(0, which, of_best, 'amin')
    owner = torch.stack((torch.full_like(segment, void), segment), 1).flatten()
    return PanopticMap(owner.index_select(0, pixels.flatten()).view_as(pixels), ids, best, queries)


class HighestMask(PixelRule):
    """The mask with the highest score times probability: its index times 2, plus 1 if the pixel is inside of it.

    Args:
        scores: Class score of each mask, [N].

    Attributes:
        area: Number of pixels inside of each mask, [N].
    """

    def __init__(self, scores: Tensor) -> None:
        self._scores = scores
        self.area = torch.zeros(len(scores), dtype=torch.int64, device=scores.device)

    def bound(self, part: BoundedMasks) -> Decision:
        """See ``PixelRule``."""
        low, high = part.low.sigmoid(), part.high.sigmoid()
        scores = self._scores[part.masks, None]
        least = scores * low
        may_win = scores * high >= least.amax(0) * (1 - ROUNDING)
        is_inside = low >= 0.5
        on_edge = (high >= 0.5) & ~is_inside
        undecided = may_win.sum(0) > 1
        needed = (may_win | on_edge) & (undecided | on_edge.any(0))
        self.area.index_add_(0, part.masks, ((is_inside & ~needed) * part.area).sum(1))
        winner = torch.where(undecided, 0, may_win.mul(torch.arange(len(low), device=low.device)[:, None]).sum(0))
        values = 2 * part.masks[winner] + is_inside.gather(0, winner[None])[0]
        return Decision(values, needed, part.scores)

    def compute(self, part: MaskPixels) -> Tensor:
        """See ``PixelRule``."""
        probabilities = part.logits.sigmoid_()
        is_inside = probabilities >= 0.5
        best = _first_maximum(self._scores[part.masks, None] * probabilities, dim=1)
        counts = (is_inside & part.is_pixel[:, None]).sum(2) * part.is_mask
        self.area.index_add_(0, part.masks.flatten(), counts.flatten())
        return 2 * part.masks.gather(1, best) + is_inside.gather(1, best[:, None])[:, 0]


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
    thresholded = threshold_masks(mask_logits, geometry, queries)
    scores, order = (scores * thresholded.scores[which]).sort(descending=True, stable=True)
    masks, boxes = thresholded.join(which[order])
    return Instances(masks, labels[order], scores, boxes, queries[which[order]])
