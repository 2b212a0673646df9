"""Paints regions on an image: translucent colour, contours, names."""

import cv2
import numpy as np

from mmoneformer.visualization.labels import write_labels
from mmoneformer.visualization.regions import Regions

SMALLEST = 640  # pixels of the longer side; smaller images are enlarged, or nothing could be read on them
CONTOUR_SHARE = 1 / 400  # of the longer side


def paint(image: np.ndarray, regions: Regions, opacity: float = 0.55) -> np.ndarray:
    """Paint regions on an image.

    Args:
        image: RGB, uint8 [H, W, 3].
        regions: Their id map is [H, W].
        opacity: Of the colours, 0 to 1; contours and names are opaque.

    Returns:
        RGB, uint8, a new array: [H, W, 3], or a whole multiple of it for a small image.

    Raises:
        ValueError: If image and regions are of different sizes, or the opacity is out of range.
    """
    if image.shape != (*regions.id_map.shape, 3) or image.dtype != np.uint8:
        raise ValueError(
            f'expected an image uint8 {(*regions.id_map.shape, 3)}, as the result is, got {image.dtype} {image.shape}'
        )
    if not 0 <= opacity <= 1:
        raise ValueError(f'opacity must be in 0..1, got {opacity}')
    image, id_map = _enlarge(image, regions.id_map)
    colours = np.array([(0, 0, 0), *regions.colours], np.uint8)[id_map]
    painted = np.where((id_map > 0)[..., None], cv2.addWeighted(image, 1 - opacity, colours, opacity, 0), image)
    line = contours(id_map, width=max(1, round(max(id_map.shape) * CONTOUR_SHARE)))
    painted[line] = colours[line] // 2 + 127
    return write_labels(painted, regions._replace(id_map=id_map))


def contours(id_map: np.ndarray, width: int) -> np.ndarray:
    """Pixels of regions that are within ``width`` pixels of another region or of none, bool [H, W]."""
    ids = id_map.astype(np.float32)  # exact for ids below 2**24
    window = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    differs = cv2.dilate(ids, window) != cv2.erode(ids, window)
    return differs & (id_map > 0)


def _enlarge(image: np.ndarray, id_map: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Enlarge a small image smoothly, and with it the map, whose steps are rounded off."""
    factor = -(-SMALLEST // max(id_map.shape))
    if factor <= 1 or id_map.max() > 255:  # ids that medianBlur cannot take
        return image, id_map
    size = (id_map.shape[1] * factor, id_map.shape[0] * factor)
    blocks = id_map.repeat(factor, 0).repeat(factor, 1).astype(np.uint8)
    rounded = cv2.medianBlur(blocks, 2 * factor + 1)  # of two neighbours, the median is that of the majority
    return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), rounded.astype(np.int64)
