"""Reads an uploaded file, which may be anything."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MEGAPIXELS = 50  # a photograph of a good camera has as many; decoded, they take 150 MB
FORMATS = ('BMP', 'GIF', 'JPEG', 'PNG', 'TIFF', 'WEBP')


class BadUploadError(ValueError):
    """A file that cannot be predicted; the message is for the person who uploaded it."""


def read_upload(path: Path) -> np.ndarray:
    """Read a picture, turned as its camera says.

    Args:
        path: File of any content.

    Returns:
        RGB, uint8 [H, W, 3].

    Raises:
        BadUploadError: If it is no picture, has more pixels than ``MEGAPIXELS`` says, or is cut short or damaged.
    """
    try:
        with Image.open(path, formats=FORMATS) as picture:
            _check_size(picture)
            return np.asarray(ImageOps.exif_transpose(picture).convert('RGB'))
    except BadUploadError:
        raise
    except UnidentifiedImageError as error:
        raise BadUploadError(f'This file is not a picture ({", ".join(FORMATS)}).') from error
    except Image.DecompressionBombError as error:
        raise BadUploadError(f'This picture has more than {MEGAPIXELS} million pixels: please shrink it.') from error
    except Exception as error:  # of any type: what a damaged file raises depends on its format
        raise BadUploadError(f'This picture is cut short or damaged: {error}.') from error


def _check_size(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MEGAPIXELS * 10**6:
        raise BadUploadError(
            f'This picture has {width} x {height} pixels, more than {MEGAPIXELS} million: please shrink it.'
        )
