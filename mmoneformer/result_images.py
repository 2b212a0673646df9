"""Results of data samples as images: encoded by OpenCV, marked as results, and named after the image."""

from pathlib import Path

import cv2
import numpy as np
from mmdet.structures import DetDataSample

from mmoneformer_deploy.atomic_files import write_bytes
from mmoneformer_deploy.result_files import marked_png


def write_png(path: Path, pixels: np.ndarray, image: str = '') -> None:
    """Write a marked PNG.

    Args:
        path: The file.
        pixels: uint8 [H, W], or BGR [H, W, 3].
        image: What tells the image whose result it is from all others, such as its path.

    Raises:
        OSError: If it cannot be written.
    """
    write_bytes(path, marked_png(cv2.imencode('.png', pixels)[1].tobytes(), image))


def image_id(sample: DetDataSample) -> str:
    """Id of a data sample's image, or the stem of its file if it has none; other images may have the same."""
    return str(sample.get('img_id', Path(sample.img_path).stem))
