"""Paints regions on images: translucent colors, contours and names.

All images are RGB, uint8 [H, W, 3]; small ones are enlarged by an integer factor, so that names are legible.
"""

import cv2
import numpy as np

from mmoneformer_drawing.labels import write_labels
from mmoneformer_drawing.regions import Regions

OPACITY = 0.55
SMALLEST = 640  # longer side of a drawing in pixels; smaller images are enlarged to it, so that names are legible
CONTOUR_SHARE = 1 / 600  # of the longer side


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
    palette = np.array([(0, 0, 0), *regions.colors], np.uint8)
    mixed = cv2.addWeighted(image, 1 - opacity, palette.take(id_map, axis=0), opacity, 0)
    painted = cv2.copyTo(mixed, (id_map > 0).view(np.uint8), image.copy())
    line = contours(id_map, width=max(1, round(max(id_map.shape) * CONTOUR_SHARE)))
    painted[line] = (palette // 2 + 127)[id_map[line]]
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
