"""Pictures that are read window by window."""

from typing import Protocol

import cv2
import numpy as np

from mmoneformer.tiling.grid import Size, Window


class Picture(Protocol):
    """A picture whose windows can be read.

    Attributes:
        size: Height and width, in pixels.
    """

    size: Size

    def read(self, window: Window) -> np.ndarray:
        """The pixels of a window, BGR, uint8 [h, w, 3]."""

    def valid(self, window: Window) -> np.ndarray | None:
        """Which pixels of a window count, bool [h, w]; None for all."""

    def reduced(self, side: int) -> np.ndarray:
        """The whole picture, BGR, uint8, with a longer side of at most ``side`` pixels."""


class ArrayPicture:
    """A picture in memory.

    Args:
        pixels: BGR, uint8 [H, W, 3].
    """

    def __init__(self, pixels: np.ndarray) -> None:
        self.size = (pixels.shape[0], pixels.shape[1])
        self._pixels = pixels

    def read(self, window: Window) -> np.ndarray:
        """The pixels of a window."""
        return np.ascontiguousarray(self._pixels[window.pixels])

    def valid(self, window: Window) -> None:
        """All pixels count."""

    def reduced(self, side: int) -> np.ndarray:
        """The whole picture, reduced."""
        height, width = reduced_size(self.size, side)
        return cv2.resize(self._pixels, (width, height), interpolation=cv2.INTER_AREA)


def reduced_size(size: Size, side: int) -> Size:
    """Height and width with a longer side of at most ``side`` pixels."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
