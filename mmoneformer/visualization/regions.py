"""What is drawn on an image, the same for the three tasks: an id map, and a colour and a text for each id."""

import colorsys
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.models.post_process import INSTANCE_OFFSET

SHOWN_SCORE = 0.5  # instances below are left out: the result lists many that overlap better ones
HUE_STEP = 0.055  # between instances of a class, of a full turn
BRIGHTNESS = (1.0, 0.72, 0.86)

Colour = tuple[int, int, int]


class Regions(NamedTuple):
    """N regions of an image that do not overlap.

    Attributes:
        id_map: [H, W], integer; pixel value n + 1 belongs to region n, 0 to none.
        colours: RGB, 0 to 255, of each region.
        texts: Written on each region.
    """

    id_map: np.ndarray
    colours: list[Colour]
    texts: list[str]


def panoptic_regions(panoptic: np.ndarray, metainfo: Metainfo) -> Regions:
    """Regions of a panoptic map.

    Args:
        panoptic: [H, W]; things: label + 1000 * instance number, stuff: label, void: number of classes.
        metainfo: The classes.
    """
    values, inverse = np.unique(panoptic, return_inverse=True)
    is_void = values == len(metainfo['classes'])
    number = np.where(is_void, 0, np.cumsum(~is_void))
    labels = (values[~is_void] % INSTANCE_OFFSET).tolist()
    return Regions(number[inverse].reshape(panoptic.shape), *_names_and_colours(labels, metainfo))


def semantic_regions(label_map: np.ndarray, metainfo: Metainfo) -> Regions:
    """Regions of a label map [H, W]; labels that are no class are left out."""
    labels = [label for label in np.unique(label_map).tolist() if label < len(metainfo['classes'])]
    number = np.zeros(int(label_map.max()) + 1, np.int64)
    number[labels] = np.arange(1, len(labels) + 1)
    return Regions(number[label_map], *_names_and_colours(labels, metainfo))


def instance_regions(masks: np.ndarray, labels: np.ndarray, scores: np.ndarray, metainfo: Metainfo) -> Regions:
    """Regions of the instances that score well; where some overlap, the best is seen.

    Args:
        masks: bool [N, H, W].
        labels: [N].
        scores: 0 to 1, [N].
        metainfo: The classes.
    """
    shown = [int(index) for index in np.argsort(-scores, kind='stable') if scores[index] >= SHOWN_SCORE]
    id_map = np.zeros(masks.shape[1:], np.int64)
    for number, index in reversed(list(enumerate(shown, start=1))):
        id_map[masks[index]] = number
    colours, texts = _names_and_colours([int(labels[index]) for index in shown], metainfo)
    texts = [f'{text} {scores[index]:.0%}' for text, index in zip(texts, shown, strict=True)]
    return Regions(id_map, colours, texts)


def _names_and_colours(labels: Sequence[int], metainfo: Metainfo) -> tuple[list[Colour], list[str]]:
    """A class has its palette's colour; its further instances have shades of it."""
    seen: Counter[int] = Counter()
    colours = []
    for label in labels:
        colours.append(_shade(metainfo['palette'][label], seen[label]))
        seen[label] += 1
    return colours, [metainfo['classes'][label] for label in labels]


def _shade(colour: Colour, index: int) -> Colour:
    """A colour near the given one, itself for index 0; neighbours in index differ in hue and brightness."""
    if index == 0:
        return colour
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
    side = 1 if index % 2 else -1
    hue = (hue + side * HUE_STEP * ((index + 1) // 2)) % 1
    saturation, value = max(saturation, 0.45), max(value, 0.6) * BRIGHTNESS[index % 3]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
