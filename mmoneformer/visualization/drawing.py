"""Drawings of results: translucent colors, contours and names on the image.

All images are RGB, uint8 [H, W, 3]; small ones are enlarged by an integer factor, so that names are legible.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from mmdet.structures import DetDataSample

from mmoneformer.visualization.labels import write_labels
from mmoneformer.visualization.regions import (
    Classes,
    Regions,
    instance_regions,
    panoptic_regions,
    result_regions,
    semantic_regions,
)

OPACITY = 0.55
SMALLEST = 640  # longer side of a drawing in pixels; smaller images are enlarged to it, so that names are legible
CONTOUR_SHARE = 1 / 600  # of the longer side


def draw_panoptic(
    image: np.ndarray, panoptic: np.ndarray, metainfo: Classes, *, opacity: float = OPACITY
) -> np.ndarray:
    """Draw a panoptic map; void is left as it is.

    Args:
        image: RGB, uint8 [H, W, 3].
        panoptic: [H, W]; values of ``structures.panoptic_ids``; void is the number of classes.
        metainfo: The classes.
        opacity: Opacity of the colors, 0 to 1.

    Raises:
        ValueError: If image and map differ in size.
    """
    return paint(image, panoptic_regions(panoptic, metainfo), opacity)


def draw_instance(
    image: np.ndarray,
    masks: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
    metainfo: Classes,
    *,
    opacity: float = OPACITY,
) -> np.ndarray:
    """Draw the instances with a score of at least 0.5, those with a higher score on top.

    Args:
        image: RGB, uint8 [H, W, 3].
        masks: bool [N, H, W].
        labels: Class indices, [N].
        scores: 0 to 1, [N].
        metainfo: The classes.
        opacity: Opacity of the colors, 0 to 1.

    Raises:
        ValueError: If image and masks differ in size.
    """
    return paint(image, instance_regions(masks, labels, scores, metainfo), opacity)


def draw_semantic(
    image: np.ndarray, label_map: np.ndarray, metainfo: Classes, *, opacity: float = OPACITY
) -> np.ndarray:
    """Draw a label map; pixels whose value is not a class index are left as they are.

    Args:
        image: RGB, uint8 [H, W, 3].
        label_map: Class indices, [H, W].
        metainfo: The classes.
        opacity: Opacity of the colors, 0 to 1.

    Raises:
        ValueError: If image and map differ in size.
    """
    return paint(image, semantic_regions(label_map, metainfo), opacity)


def draw_results(
    image: np.ndarray, sample: DetDataSample, metainfo: Classes, tasks: Sequence[str], *, opacity: float = OPACITY
) -> dict[str, np.ndarray]:
    """Draw the results of a data sample.

    Args:
        image: RGB, uint8 [H, W, 3].
        sample: Holds the results of the tasks.
        metainfo: The classes.
        tasks: Names of the tasks to draw.
        opacity: Opacity of the colors, 0 to 1.

    Returns:
        A drawing by task, in the order of ``tasks``.
    """
    return {task: paint(image, result_regions(sample, task, metainfo), opacity) for task in tasks}


def paint(image: np.ndarray, regions: Regions, opacity: float = OPACITY, *, names: bool = True) -> np.ndarray:
    """Paint regions on an image.

    Args:
        image: RGB, uint8 [H, W, 3].
        regions: Regions with an id map [H, W].
        opacity: Opacity of the colors, 0 to 1; contours and names are opaque.
        names: Whether to write the texts of the regions.

    Returns:
        RGB, uint8, a new array: [H, W, 3], or an integer multiple of it for a small image.

    Raises:
        ValueError: If image and regions differ in size, or the opacity is out of range.
    """
    if image.shape != (*regions.id_map.shape, 3) or image.dtype != np.uint8:
        raise ValueError(
            f'expected an image uint8 {(*regions.id_map.shape, 3)}, as the result is, got {image.dtype} {image.shape}'
        )
    if not 0 <= opacity <= 1:
        raise ValueError(f'opacity must be in 0..1, got {opacity}')
    image, regions = _enlarge(image, regions)
    id_map = regions.id_map
    colors = np.array([(0, 0, 0), *regions.colors], np.uint8)[id_map]
    mixed = cv2.addWeighted(image, 1 - opacity, colors, opacity, 0)
    painted = np.where((id_map > 0)[..., None], mixed, image)
    line = contours(id_map, width=max(1, round(max(id_map.shape) * CONTOUR_SHARE)))
    painted[line] = colors[line] // 2 + 127
    return write_labels(painted, regions) if names else painted


def contours(id_map: np.ndarray, width: int) -> np.ndarray:
    """Pixels of regions within ``width`` pixels of another region or of the background, bool [H, W]."""
    window = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    return (cv2.dilate(id_map, window) != cv2.erode(id_map, window)) & (id_map > 0)


def _enlarge(image: np.ndarray, regions: Regions) -> tuple[np.ndarray, Regions]:
    """Enlarge a small image and its regions by an integer factor."""
    height, width = regions.id_map.shape
    factor = -(-SMALLEST // max(height, width))
    if factor == 1:
        return image, regions
    size = (width * factor, height * factor)
    return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), regions.resized(*size)
