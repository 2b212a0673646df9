"""Reads images with Pillow; their pixels are those that OpenCV reads.

Exceptions are TIFF files with several channels of 16 bits or of inks, where OpenCV rounds differently, those with an
alpha channel, by which it multiplies, and WebP files that are turned, which OpenCV below 5 does not turn.
"""

import os

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError


def read_image(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an image.

    Images are rotated by their EXIF orientation. Grayscale, palette and CMYK images are converted to color, an alpha
    channel is dropped, 16-bit values are cut to their upper 8 bits, and of several frames the first is used.

    Args:
        path: The file.

    Returns:
        RGB, uint8 [H, W, 3].

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an image, or empty, truncated or damaged.
    """
    try:
        with Image.open(path) as image:
            return to_color(image)
    except FileNotFoundError:
        raise
    except UnidentifiedImageError as error:
        raise ValueError(f'{path} is not a readable image: it is damaged or of an unknown format') from error
    except Exception as error:  # of any type: what a damaged file raises depends on its format
        raise ValueError(f'{path} is not a readable image: {error}') from error


def to_color(image: Image.Image) -> np.ndarray:
    """Convert an image of Pillow to an array, as ``read_image`` does: RGB, uint8 [H, W, 3]."""
    image = ImageOps.exif_transpose(image)
    if image.mode == 'CMYK':
        return _cmyk_to_color(np.asarray(image))
    if image.mode.startswith('I'):
        upper = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(upper[..., None], 3, axis=2)
    return np.asarray(image.convert('RGB'))


def _cmyk_to_color(inks: np.ndarray) -> np.ndarray:
    """From inks, uint8 [H, W, 4], to RGB, uint8 [H, W, 3], with OpenCV's rounding."""
    light, black = 255 - inks[..., :3].astype(np.int32), 255 - inks[..., 3:].astype(np.int32)
    return (black - ((255 - light) * black >> 8)).astype(np.uint8)
