"""What is drawn on an image, the same for the three tasks: an id map, and class, color and text of each id."""

import colorsys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from mmoneformer.structures.panoptic_ids import panoptic_label

SHOWN_SCORE = 0.5  # instances below are left out: the result lists many that overlap better ones
HUE_RANGE = 0.14  # of the instances of a class, of a full turn
STEPS = (0.8191725133961645, 0.6710436067037893, 0.5497004779019703)  # their multiples fill a cube evenly

Color = tuple[int, int, int]
Classes = Mapping[str, Any]  # at least the ``classes`` and ``palette`` of a Metainfo


class Regions(NamedTuple):
    """N regions of an image that do not overlap.

    Attributes:
        id_map: uint16 [H, W]; pixel value n + 1 belongs to region n, 0 to none.
        labels: Class index of each region.
        colors: RGB, 0 to 255, of each region.
        texts: Written on each region.
    """

    id_map: np.ndarray
    labels: list[int]
    colors: list[Color]
    texts: list[str]

    def areas(self) -> list[int]:
        """Pixels of each region."""
        return np.bincount(self.id_map.ravel(), minlength=len(self.labels) + 1)[1:].tolist()

    def resized(self, width: int, height: int) -> 'Regions':
        """The regions on a map of another size; where it is larger, the steps of their borders are rounded off."""
        id_map = cv2.resize(self.id_map, (width, height), interpolation=cv2.INTER_NEAREST)
        factor = -(-width // self.id_map.shape[1])
        if factor > 1 and len(self.labels) <= 255:  # more ids medianBlur cannot take
            id_map = cv2.medianBlur(id_map.astype(np.uint8), 2 * factor + 1).astype(np.uint16)
        return self._replace(id_map=id_map)


def panoptic_regions(panoptic: np.ndarray, metainfo: Classes) -> Regions:
    """Regions of a panoptic map.

    Args:
        panoptic: [H, W]; things: label + 1000 * instance number, stuff: label, void: number of classes.
        metainfo: The classes.
    """
    values = [value for value in _values(panoptic) if value != len(metainfo['classes'])]
    return _numbered(panoptic, values, [panoptic_label(value) for value in values], metainfo)


def semantic_regions(label_map: np.ndarray, metainfo: Classes) -> Regions:
    """Regions of a label map [H, W]; labels that are no class are left out."""
    labels = [label for label in _values(label_map) if label < len(metainfo['classes'])]
    return _numbered(label_map, labels, labels, metainfo)


def annotated_regions(id_map: np.ndarray, segments: Sequence[Mapping[str, Any]], metainfo: Classes) -> Regions:
    """Regions of an annotation.

    Args:
        id_map: [H, W]; a segment's id, 0 where there is none.
        segments: ``id`` and ``label`` of each.
        metainfo: The classes.
    """
    return _numbered(
        id_map, [segment['id'] for segment in segments], [segment['label'] for segment in segments], metainfo
    )


def instance_regions(
    masks: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
    metainfo: Classes,
    *,
    min_score: float = SHOWN_SCORE,
) -> Regions:
    """Regions of the instances that score well; where some overlap, the best is seen.

    Args:
        masks: bool [N, H, W].
        labels: [N].
        scores: 0 to 1, [N].
        metainfo: The classes.
        min_score: Instances below are left out.
    """
    shown = [int(index) for index in np.argsort(-scores, kind='stable') if scores[index] >= min_score]
    id_map = np.zeros(masks.shape[1:], np.uint16)
    for number, index in reversed(list(enumerate(shown, start=1))):
        id_map[masks[index]] = number
    regions = _described(id_map, [int(labels[index]) for index in shown], metainfo)
    texts = [f'{text} {scores[index]:.0%}' for text, index in zip(regions.texts, shown, strict=True)]
    return regions._replace(texts=texts)


def _values(integers: np.ndarray) -> list[int]:
    """The values that occur; many times faster than sorting the pixels."""
    return np.flatnonzero(np.bincount(integers.ravel())).tolist()


def _numbered(value_map: np.ndarray, values: Sequence[int], labels: Sequence[int], metainfo: Classes) -> Regions:
    """Regions of a map in which each of some values is a region, and all others are none."""
    number_of = np.zeros(max(int(value_map.max()), *values, 0) + 1, np.uint16)
    number_of[list(values)] = np.arange(1, len(values) + 1)
    return _described(number_of[value_map], labels, metainfo)


def _described(id_map: np.ndarray, labels: Sequence[int], metainfo: Classes) -> Regions:
    """A class has its palette's color; its further instances have shades of it."""
    seen: Counter[int] = Counter()
    colors = []
    for label in labels:
        colors.append(_shade(metainfo['palette'][label], seen[label]))
        seen[label] += 1
    return Regions(id_map, list(labels), colors, [metainfo['classes'][label] for label in labels])


def _shade(color: Sequence[int], index: int) -> Color:
    """A color near the given one, itself for index 0; neighbors in index differ in hue and brightness."""
    red, green, blue = color
    if index == 0:
        return red, green, blue
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    along, pale, dark = (index * step % 1 for step in STEPS)
    hue = (hue + (along - 0.5) * HUE_RANGE) % 1
    saturation = max(saturation, 0.6) * (1 - 0.5 * pale)
    value = max(value, 0.8) * (1 - 0.45 * dark)
    red, green, blue = (round(channel * 255) for channel in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue
