"""Images in memory, arrays and those of Pillow, as RGB arrays."""

from typing import Literal, get_args

import numpy as np
from PIL import Image

from mmoneformer_deploy.read_image import to_color

Channels = Literal['bgr', 'rgb']


def check_channels(channels: str) -> None:
    """Check the order of channels that a caller gives.

    Raises:
        ValueError: If it is neither 'bgr' nor 'rgb'.
    """
    if channels not in get_args(Channels):
        raise ValueError(f"channels must be 'bgr' or 'rgb', the order in arrays, got {channels!r}")


def rgb_array(image: np.ndarray | Image.Image, channels: Channels = 'bgr') -> np.ndarray:
    """Return an image in memory.

    Args:
        image: An array, uint8 [H, W, 3]; or an image of Pillow of any mode, which is converted as a file of it is: see
            ``read_image``.
        channels: Order of the channels of an array.

    Returns:
        RGB, uint8 [H, W, 3]; of an array, a view.

    Raises:
        ValueError: If the array is not an image, or the image of Pillow has floating-point values or cannot be read.
    """
    if isinstance(image, Image.Image):
        return _pillow_array(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(
            f'an image array must be {channels.upper()}, uint8 [H, W, 3], got {image.dtype} {list(image.shape)}'
            f'{_remedy(image)}'
        )
    return image if channels == 'rgb' else image[..., ::-1]


def _pillow_array(image: Image.Image) -> np.ndarray:
    if image.mode == 'F':
        raise ValueError("a PIL image of mode 'F' has values of unknown range: scale them to 0..255, as mode 'L'")
    try:
        return to_color(image)
    except Exception as error:  # of any type: what a damaged file raises depends on its format
        raise ValueError(f'a PIL image cannot be read: {error}') from error


def _remedy(array: np.ndarray) -> str:
    """What to do with an array that is almost an image."""
    match array.shape:
        case _ if array.size == 0:
            return ''
        case _ if array.dtype != np.uint8:
            return ': scale its values to 0..255, and convert them with .astype(numpy.uint8)'
        case (_, _, 4):
            return ': leave the alpha channel out with array[..., :3]'
        case (3, _, _):
            return ': put the channels last with array.transpose(1, 2, 0)'
        case (_, _) | (_, _, 1):
            return ': repeat its gray values with numpy.dstack([array] * 3)'
        case (_, _, _, 3):
            return ': give a batch as a list of its images, list(array)'
    return ''
