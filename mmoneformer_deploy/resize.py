"""Resizes images as the test pipeline does, to the bit: OpenCV's bilinear interpolation of bytes.

OpenCV computes with integers: weights are multiples of 1/2048, and bits are dropped after the horizontal pass.
"""

from collections.abc import Sequence

import numpy as np

ONE = 2**11  # the weights of the pixels that a value is interpolated from have this sum
BLOCK = 16  # rows that are computed together, and stay in the caches

Size = tuple[int, int]


def resized_size(size: Size, scale: Sequence[int], *, keep_ratio: bool) -> Size:
    """Height and width after mmcv's Resize.

    Args:
        size: Height and width of the image.
        scale: Width and height; if the ratio is kept, the longer and the shorter side at most, in any order.
        keep_ratio: Whether the image keeps its ratio of width to height.
    """
    if not keep_ratio:
        return scale[1], scale[0]
    factor = min(max(scale) / max(size), min(scale) / min(size))
    return max(1, int(size[0] * factor + 0.5)), max(1, int(size[1] * factor + 0.5))


def resize_image(image: np.ndarray, size: Size) -> np.ndarray:
    """Resize an image.

    Args:
        image: uint8 [H, W, C].
        size: Height and width of the result.

    Returns:
        uint8, of that size.
    """
    if image.shape[:2] == size:
        return image
    height, width, channels = image.shape
    values = image.reshape(height, -1)
    row_pairs, row_weights = _linear(height, size[0])
    pairs, weights = _linear(width, size[1])
    pairs = (pairs[..., None] * channels + np.arange(channels)).reshape(2, -1)
    weights = weights.repeat(channels, axis=1)
    resized = np.empty((size[0], size[1] * channels), np.uint8)
    for start in range(0, size[0], BLOCK):
        block = slice(start, start + BLOCK)
        rows, places = np.unique(row_pairs[:, block], return_inverse=True)
        left, right = (values[rows].take(at, axis=1) for at in pairs)
        wide = (left * weights[0] + right * weights[1]) >> 4
        above, below = (wide[at] for at in places.reshape(2, -1))
        upper, lower = row_weights[:, block, None]
        resized[block] = ((above * upper >> 16) + (below * lower >> 16) + 2) >> 2
    return resized.reshape(*size, channels)


def _linear(source: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the two pixels that each of n positions is interpolated from, and their weights: both [2, n]."""
    position = ((np.arange(target) + 0.5) * (1 / (target / source)) - 0.5).astype(np.float32)
    first = np.floor(position)
    weight = position - first
    pairs = np.stack([first, first + 1]).clip(0, source - 1).astype(int)
    return pairs, np.rint(np.stack([1 - weight, weight]) * ONE).astype(np.int32)
