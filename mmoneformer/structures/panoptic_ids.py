"""The two encodings of panoptic segmentation: values of a map, and segment ids as colors of a PNG file.

The values of ``pred_panoptic_seg`` and ``gt_panoptic_seg`` are those of mmdet: label + 1000 * instance number, and the
number of classes for void. mmdet's metric and files take 0 for void, so no segment has the value 0: stuff of class 0
(ADE20K's wall, Cityscapes' road) has instance number 1, hence the value 1000. The class of a value is its remainder by
1000; whether a segment is a thing follows from the ``thing_ids`` of the classes, never from its value.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import cv2
import numpy as np

INSTANCE_OFFSET = 1000  # as in mmdet: a value is label + 1000 * instance number

Values = TypeVar('Values', bound=Any)  # an int, an array or a tensor of integers


def encode_panoptic(labels: Values, instances: Values) -> Values:
    """Values of segments in ``pred_panoptic_seg``; void has the number of classes instead.

    Args:
        labels: Class index of each segment, below 1000.
        instances: Number of each thing among the things of the image, from 1; 0 for stuff.
    """
    values = labels + INSTANCE_OFFSET * instances
    return values + INSTANCE_OFFSET * (values == 0)


def segment_values(segments: Sequence[Mapping[str, Any]], thing_ids: Sequence[int]) -> list[int]:
    """Values of annotated segments, each with its ``label``; the things of an image are numbered in their order."""
    values, things = [], 0
    for segment in segments:
        is_thing = segment['label'] in thing_ids
        things += is_thing
        values.append(encode_panoptic(segment['label'], things * is_thing))
    return values


def panoptic_label(values: Values) -> Values:
    """Class index of each value that is not void."""
    return values % INSTANCE_OFFSET


def ids_to_colors(ids: np.ndarray, *, bgr: bool = False) -> np.ndarray:
    """Encode segment ids as colors, id = R + 256 G + 65536 B, as COCO does.

    Args:
        ids: Integers in 0..2**24 - 1, [H, W].
        bgr: Whether the channels are ordered as OpenCV writes them, else RGB.

    Returns:
        uint8 [H, W, 3].
    """
    rgba = np.ascontiguousarray(ids, '<u4')[..., None].view(np.uint8)
    return cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGR if bgr else cv2.COLOR_RGBA2RGB)


def colors_to_ids(colors: np.ndarray, *, bgr: bool = False) -> np.ndarray:
    """Decode the colors of ``ids_to_colors``.

    Args:
        colors: uint8 [H, W, 3].
        bgr: Whether the channels are ordered as OpenCV reads them, else RGB.

    Returns:
        Segment ids, uint32 [H, W].
    """
    rgba = cv2.cvtColor(colors, cv2.COLOR_BGR2RGBA if bgr else cv2.COLOR_RGB2RGBA)
    return rgba.view('<u4')[..., 0] & 0xFFFFFF
