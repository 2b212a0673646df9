"""Writes names on regions, where they can be read."""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmoneformer.visualization.regions import Colour, Regions

LETTER_SHARE = 1 / 56  # height of letters, of the longer side
LETTER_SMALLEST = 14  # pixels
SEARCH_SIZE = 256  # pixels of the longer side of the map on which places are sought
SMALLEST_SHARE = 0.0008  # of the image: regions below bear no name

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Box(NamedTuple):
    """Of pixels, the last ones exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def overlaps(self, other: 'Box') -> bool:
        """Whether the boxes share a pixel."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return width > 0 and height > 0


def write_labels(image: np.ndarray, regions: Regions) -> np.ndarray:
    """Write each region's text on its widest place; no text covers another, small regions choose first.

    Args:
        image: RGB, uint8 [H, W, 3].
        regions: Their id map is [H, W].

    Returns:
        A new array like ``image``.
    """
    letter = max(LETTER_SMALLEST, round(max(image.shape) * LETTER_SHARE))
    font = ImageFont.load_default(size=letter)
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas, 'RGBA')
    step = -(-max(regions.id_map.shape) // SEARCH_SIZE)
    free = np.ascontiguousarray(regions.id_map[::step, ::step])  # ids where no text stands yet
    placed: list[Box] = []
    for index in _by_area(free):
        text = regions.texts[index]
        x, y = (step * position for position in _innermost(free == index + 1))
        box = _box_at(x, y, round(draw.textlength(text, font)) + letter, round(1.5 * letter), image.shape)
        if any(box.overlaps(other) for other in placed):
            continue
        placed.append(box)
        free[box.top // step : -(-box.bottom // step), box.left // step : -(-box.right // step)] = 0
        _write(draw, box, text, font, regions.colours[index])
    return np.asarray(canvas).copy()


def _by_area(id_map: np.ndarray) -> list[int]:
    """Indices of the regions that are large enough for a name, the smallest first."""
    areas = np.bincount(id_map.ravel())[1:]
    return [
        index for index in np.argsort(areas, kind='stable').tolist() if areas[index] > SMALLEST_SHARE * id_map.size
    ]


def _innermost(mask: np.ndarray) -> tuple[int, int]:
    """The pixel (x, y) of a mask that is farthest from its border and that of the image."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(x), int(y)


def _box_at(x: int, y: int, width: int, height: int, image_shape: tuple[int, ...]) -> Box:
    """A box around a point, moved into the image."""
    left = min(max(0, x - width // 2), max(0, image_shape[1] - width))
    top = min(max(0, y - height // 2), max(0, image_shape[0] - height))
    return Box(left, top, left + width, top + height)


def _write(draw: ImageDraw.ImageDraw, box: Box, text: str, font: Font, colour: Colour) -> None:
    """White letters on a dark shade of the colour."""
    red, green, blue = (channel * 2 // 5 for channel in colour)
    corners = (box.left, box.top, box.right - 1, box.bottom - 1)
    draw.rounded_rectangle(corners, radius=(box.bottom - box.top) // 4, fill=(red, green, blue, 215))
    draw.text(((box.left + box.right) / 2, (box.top + box.bottom) / 2), text, 'white', font, anchor='mm')
