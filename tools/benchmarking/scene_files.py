"""An image and its annotation as files, as a data pipeline reads them."""

from pathlib import Path

import cv2
import numpy as np

from benchmarking.drawn import Annotation, draw_image


def write_scene(folder: Path, annotation: Annotation) -> tuple[str, str]:
    """Write an image as JPEG and its id map as COCO-panoptic PNG.

    Segment n has the id n + 1.

    Returns:
        Paths of image and map.
    """
    image, seg_map = str(folder / 'image.jpg'), str(folder / 'map.png')
    cv2.imwrite(image, draw_image(annotation, seed=0))
    red = annotation.id_map
    cv2.imwrite(seg_map, np.dstack((np.zeros_like(red), np.zeros_like(red), red)))  # OpenCV writes BGR
    return image, seg_map
