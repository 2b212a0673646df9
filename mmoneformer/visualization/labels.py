"""Writes names on regions, where they can be read."""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import find_objects

from mmoneformer.visualization.regions import Color, Regions

LETTER_SHARE = 1 / 60  # height of letters, of the longer side
LETTER_SMALLEST = 14  # pixels
NARROW_SHARE = 0.75  # height of letters in narrow regions, of the others
SEARCH_SIZE = 256  # cells of the longer side of the map on which places are sought
SMALLEST_SHARE = 0.0008  # of the image: regions below bear no name

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Box(NamedTuple):
    """Of pixels, the last ones exclusive."""

    left: int
    top: int
    right: int
    bottom: int


class Label(NamedTuple):
    """Where a region's text goes.

    Attributes:
        region: Its index.
        box: Around the text.
        font: Of the text.
    """

    region: int
    box: Box
    font: Font


def write_labels(image: np.ndarray, regions: Regions) -> np.ndarray:
    """Write each region's text on it, where there is room.

    Args:
        image: RGB, uint8 [H, W, 3].
        regions: Their id map is [H, W].

    Returns:
        A new array like ``image``.
    """
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas, 'RGBA')
    for region, box, font in place_labels(regions):
        _write(draw, box, regions.texts[region], font, regions.colors[region])
    return np.asarray(canvas).copy()


def place_labels(regions: Regions) -> list[Label]:
    """Find the free place deepest inside each region; no text covers another, small regions choose first."""
    height, width = regions.id_map.shape
    letter = max(LETTER_SMALLEST, round(max(height, width) * LETTER_SHARE))
    wide, narrow = (
        ImageFont.load_default(size) for size in (letter, max(LETTER_SMALLEST, round(letter * NARROW_SHARE)))
    )
    step = -(-max(height, width) // SEARCH_SIZE)
    cells = np.ascontiguousarray(regions.id_map[::step, ::step])
    windows = find_objects(cells, max_label=len(regions.texts))
    labels: list[Label] = []
    for index in _by_area(cells):
        depth = _depth(cells[windows[index]] == index + 1)
        rows, columns = (np.arange(window.start, window.stop) * step for window in windows[index])
        font, size = wide, _box_size(regions.texts[index], wide)
        if depth.max() * step < size[1] / 2 or len(columns) * step < size[0]:
            font, size = narrow, _box_size(regions.texts[index], narrow)
        box = _deepest_box(depth, rows, columns, size, (width, height), [label.box for label in labels])
        if box is not None:
            labels.append(Label(index, box, font))
    return labels


def _by_area(id_map: np.ndarray) -> list[int]:
    """Indices of the regions that are large enough for a name, the smallest first."""
    areas = np.bincount(id_map.ravel())[1:]
    return [
        index for index in np.argsort(areas, kind='stable').tolist() if areas[index] > SMALLEST_SHARE * id_map.size
    ]


def _depth(mask: np.ndarray) -> np.ndarray:
    """Distance of a mask's pixels to its border, 0 outside of it, float32 [h, w]."""
    return cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]


def _box_size(text: str, font: Font) -> tuple[int, int]:
    """Width and height."""
    _, top, _, bottom = font.getbbox('Ag')
    margin = round(0.9 * (bottom - top))
    return round(font.getlength(text)) + margin, round(bottom - top) + margin // 2


def _deepest_box(
    depth: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    size: tuple[int, int],
    image_size: tuple[int, int],
    placed: list[Box],
) -> Box | None:
    """Find the free place that is deepest in a region.

    Args:
        depth: [h, w], 0 outside of the region.
        rows: Of the depth's rows, the pixels in the image, ascending.
        columns: Of its columns.
        size: Width and height of the box.
        image_size: Width and height of the image; the box is moved into it.
        placed: Boxes that it must not touch.

    Returns:
        The box, or None if there is no room.
    """
    width, height = size
    if width > image_size[0] or height > image_size[1]:
        return None
    lefts = np.clip(columns - width // 2, 0, image_size[0] - width)
    tops = np.clip(rows - height // 2, 0, image_size[1] - height)
    free = depth.copy()
    for box in placed:  # those that meet the box are a rectangle of cells, as lefts and tops ascend
        meets_row = slice(np.searchsorted(tops, box.top - height, 'right'), np.searchsorted(tops, box.bottom))
        meets_column = slice(np.searchsorted(lefts, box.left - width, 'right'), np.searchsorted(lefts, box.right))
        free[meets_row, meets_column] = 0
    row, column = np.unravel_index(int(free.argmax()), free.shape)
    if free[row, column] == 0:
        return None
    left, top = int(lefts[column]), int(tops[row])
    return Box(left, top, left + width, top + height)


def _write(draw: ImageDraw.ImageDraw, box: Box, text: str, font: Font, color: Color) -> None:
    """White letters on a dark shade of the color."""
    red, green, blue = (channel * 2 // 5 for channel in color)
    corners = (box.left, box.top, box.right - 1, box.bottom - 1)
    draw.rounded_rectangle(corners, radius=(box.bottom - box.top) // 4, fill=(red, green, blue, 215))
    draw.text(((box.left + box.right) / 2, (box.top + box.bottom) / 2), text, 'white', font, anchor='mm')
