"""Uploaded files, which may be anything: the field of the page that takes one, and its reading."""

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import ImageData
from PIL import Image, ImageOps, UnidentifiedImageError

MEGAPIXELS = 50  # as large as photographs of a good camera; 150 MB when decoded
FORMATS = ('BMP', 'GIF', 'JPEG', 'PNG', 'TIFF', 'WEBP')


class BadUploadError(ValueError):
    """A file that cannot be predicted; the message is for the user who uploaded it."""


def upload_field(**settings: Any) -> gr.Image:
    """Make a ``gradio.Image`` whose value is the path of the uploaded file, or None.

    gradio would open the file itself, with error messages that are not meant for users of the page. A subclass is no
    option: gradio writes a file next to the source of each.

    Args:
        settings: Arguments of ``gradio.Image``.
    """
    field = gr.Image(**settings)
    field.preprocess = _path_of
    return field


def _path_of(payload: ImageData | None) -> str | None:
    return None if payload is None else payload.path


def read_upload(path: Path) -> np.ndarray:
    """Read an image, rotated as its EXIF orientation requires.

    Args:
        path: File with any content.

    Returns:
        RGB, uint8 [H, W, 3].

    Raises:
        BadUploadError: If it is not an image, has more than ``MEGAPIXELS`` million pixels, or is truncated or damaged.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            _check_size(image)
            return np.asarray(ImageOps.exif_transpose(image).convert('RGB'))
    except BadUploadError:
        raise
    except UnidentifiedImageError as error:
        raise BadUploadError(f'This file is not an image ({", ".join(FORMATS)}).') from error
    except Image.DecompressionBombError as error:
        raise BadUploadError(f'This image has more than {MEGAPIXELS} million pixels: please shrink it.') from error
    except Exception as error:  # of any type: what a damaged file raises depends on its format
        raise BadUploadError(f'This image is truncated or damaged: {error}.') from error


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MEGAPIXELS * 10**6:
        raise BadUploadError(
            f'This image has {width} x {height} pixels, more than {MEGAPIXELS} million: please shrink it.'
        )
