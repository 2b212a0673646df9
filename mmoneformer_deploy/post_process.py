"""From the logits of the queries to semantic, instance and panoptic segmentation, in numpy.

The same as ``mmoneformer.models.post_process`` does with torch, for one image with one task's token. Only pixels that
the bounds of their tile leave open are computed, and no array has the size of all masks.

Shapes: Q queries, K classes, h x w logits of a mask at stride 4, H x W pixels of the original image, T tiles.
"""

from itertools import groupby
from typing import NamedTuple

import numpy as np

from mmoneformer_deploy.mask_tiles import SIDE, MaskGeometry, MaskTiles
from mmoneformer_deploy.run_lengths import RunLengths, box_of, encode_edges, find_edges

ROUNDING = 1e-6  # relative error of scores: bounds decide only between scores that differ by more
NEGLIGIBLE = 1e-8  # change of a class score, relative to the highest one: they are summed in float32
INSTANCE_OFFSET = 1000  # segments ascend by label + 1000 * instance number, mmdet's values of a panoptic map


class Instances(NamedTuple):
    """The N instances of an image, highest score first.

    Attributes:
        labels: [N].
        scores: 0 to 1, [N].
        boxes: x1, y1, x2, y2 in pixels, the last two exclusive; zeros for an empty mask, [N, 4].
        masks: Run lengths, N of them.
    """

    labels: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    masks: list[RunLengths]


class PanopticMap(NamedTuple):
    """The N segments of an image, which do not overlap.

    Attributes:
        id_map: n + 1 in segment n, 0 where there is no segment, int32 [H, W].
        labels: [N].
        scores: Probability of the segment's class; the highest of its queries where stuff was merged; 0 to 1, [N].
    """

    id_map: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


class Thresholds(NamedTuple):
    """Which queries and segments are part of a panoptic map.

    Attributes:
        object_mask: Queries need a higher class score than this, 0 to 1.
        overlap: Segments need at least this share of their mask left by the others, 0 to 1.
    """

    object_mask: float
    overlap: float


def semantic_map(class_logits: np.ndarray, mask_logits: np.ndarray, geometry: MaskGeometry) -> np.ndarray:
    """Label of each pixel: the class with the highest sum of class probability times mask probability.

    Args:
        class_logits: [Q, K + 1].
        mask_logits: [Q, h, w].
        geometry: Sizes of input, image and result.

    Returns:
        uint8 [H, W].
    """
    tiles = MaskTiles(mask_logits, geometry)
    probabilities = _softmax(class_logits)[:, :-1]
    low, high = _sigmoid(tiles.low), _sigmoid(tiles.high)
    least, greatest = probabilities.T @ low, probabilities.T @ high
    best = least.max(0)
    open_tiles = np.count_nonzero(greatest >= best * (1 - ROUNDING), axis=0) > 1
    needed = ((high - low) * probabilities.max(1, keepdims=True) > NEGLIGIBLE * best) & open_tiles
    settled = np.where(needed, 0, (low + high) / 2).T @ probabilities
    labels = tiles.expand(settled.argmax(1).astype(np.uint8))
    for tile, pixels, queries, logits in tiles.read(needed):
        scores = _sigmoid(logits).reshape(len(queries), -1).T @ probabilities[queries] + settled[tile]
        labels[pixels] = scores.argmax(1).reshape(logits.shape[1:])
    return labels


def panoptic_map(
    class_logits: np.ndarray,
    mask_logits: np.ndarray,
    geometry: MaskGeometry,
    *,
    is_thing: np.ndarray,
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
    probabilities = _softmax(class_logits)
    scores, labels = probabilities.max(1), probabilities.argmax(1)
    kept = (labels != len(is_thing)) & (scores > thresholds.object_mask)
    scores, labels, count = scores[kept], labels[kept], np.count_nonzero(kept)
    if count == 0:
        return PanopticMap(np.zeros(geometry.original, np.int32), labels, scores)

    winner, inside, mask_area = _assign_pixels(MaskTiles(mask_logits[kept], geometry), scores)
    won_area = np.bincount(winner.ravel(), minlength=count)
    owner = np.where(inside, winner, count)
    segment_area = np.bincount(owner.ravel(), minlength=count + 1)[:count]
    left = np.divide(won_area, np.maximum(mask_area, 1), dtype=np.float32)
    valid = (segment_area > 0) & (left >= np.float32(thresholds.overlap))
    values = labels + INSTANCE_OFFSET * (valid & is_thing[labels]).cumsum() * is_thing[labels]
    values[values == 0] = INSTANCE_OFFSET  # as in mmdet, no segment has the value 0
    ids, which = np.unique(values[valid], return_inverse=True)
    best = np.zeros(len(ids), np.float32)
    np.maximum.at(best, which, scores[valid])
    number = np.zeros(count + 1, np.int32)
    number[:-1][valid] = which + 1
    return PanopticMap(number[owner], ids % INSTANCE_OFFSET, best)


def _assign_pixels(tiles: MaskTiles, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Assign each pixel to one of N masks.

    Args:
        tiles: The masks.
        scores: Class score of each mask, [N].

    Returns:
        The mask with the highest score times probability at each pixel, [H, W]; whether the pixel is inside that
        mask, bool [H, W]; number of pixels inside each mask, [N].
    """
    low, high = _sigmoid(tiles.low), _sigmoid(tiles.high)
    least = scores[:, None] * low
    may_win = scores[:, None] * high >= least.max(0) * (1 - ROUNDING)
    on_edge = (low < 0.5) & (high >= 0.5)
    needed = (may_win | on_edge) & ((np.count_nonzero(may_win, axis=0) > 1) | on_edge.any(0))
    first = may_win.argmax(0)  # the only one, or overwritten
    winner, inside = tiles.expand(first), tiles.expand(low[first, np.arange(len(first))] >= 0.5)
    mask_area = ((low >= 0.5) & ~needed) @ tiles.area
    for _, pixels, queries, logits in tiles.read(needed):
        probabilities = _sigmoid(logits)
        best = (scores[queries, None, None] * probabilities).argmax(0)
        is_inside = probabilities >= 0.5
        winner[pixels], inside[pixels] = queries[best], np.take_along_axis(is_inside, best[None], 0)[0]
        mask_area[queries] += np.count_nonzero(is_inside, axis=(1, 2))
    return winner, inside, mask_area


def find_instances(
    class_logits: np.ndarray,
    mask_logits: np.ndarray,
    geometry: MaskGeometry,
    *,
    is_thing: np.ndarray,
    max_per_image: int,
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
    scores = _softmax(class_logits)[:, :-1].ravel()
    pairs = np.argsort(-scores, kind='stable')[:max_per_image]
    pairs = pairs[is_thing[pairs % len(is_thing)]]
    queries, which = np.unique(pairs // len(is_thing), return_inverse=True)
    edges, probabilities = _threshold_masks(mask_logits[queries], geometry)
    scores = scores[pairs] * probabilities[which]
    order = np.argsort(-scores, kind='stable')
    which = which[order]
    masks = [encode_edges(found, geometry.original) for found in edges]
    boxes = np.array([box_of(found, geometry.original[0]) for found in edges], np.float32).reshape(-1, 4)
    return Instances(pairs[order] % len(is_thing), scores[order], boxes[which], [masks[mask] for mask in which])


def _threshold_masks(mask_logits: np.ndarray, geometry: MaskGeometry) -> tuple[list[np.ndarray], np.ndarray]:
    """The edges of N masks, where logits are above 0, and the mean probability inside each mask, [N]."""
    tiles, height = MaskTiles(mask_logits, geometry), geometry.original[0]
    area, total = np.zeros((2, len(mask_logits)), np.float32)
    edges: list[list[np.ndarray]] = [[np.zeros(0, int)] for _ in mask_logits]
    for left, column_of_tiles in groupby(tiles.read(tiles.high > 0), key=lambda tile: tile.pixels[1].start):
        masks = np.zeros((len(mask_logits), SIDE, height), bool)
        for _, (rows, columns), queries, logits in column_of_tiles:
            inside = logits > 0
            masks[queries, : columns.stop - left, rows] = inside.transpose(0, 2, 1)
            area[queries] += np.count_nonzero(inside, axis=(1, 2))
            total[queries] += (_sigmoid(logits) * inside).sum((1, 2))
        for query in np.flatnonzero(masks.any((1, 2))):
            edges[query].append(find_edges(masks[query]) + left * height)
    return [np.concatenate(parts) for parts in edges], total / (area + np.float32(1e-6))


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    with np.errstate(over='ignore'):  # an infinite power is a probability of 0
        return 1 / (1 + np.exp(-logits))
