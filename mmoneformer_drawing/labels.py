"""Writes the names of regions where they are legible."""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from mmoneformer_deploy.colors import Color
from mmoneformer_drawing.fonts import Font, default_font
from mmoneformer_drawing.regions import Regions

LETTER_SHARE = 1 / 60  # font size, as a share of the image's longer side
LETTER_SMALLEST = 14  # font size in pixels
NARROW_SHARE = 0.75  # font size in narrow regions, as a share of the other one
SEARCH_SIZE = 256  # longer side of the reduced id map on which positions are searched
SMALLEST_SHARE = 0.0008  # of the image's pixels; smaller regions get no name


class Box(NamedTuple):
    """A box in pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


class Label(NamedTuple):
    """Position of a region's text.

    Attributes:
        region: Index of the region.
        box: Box around the text.
        font: Font of the text.
    """

    region: int
    box: Box
    font: Font


def write_labels(image: np.ndarray, regions: Regions) -> np.ndarray:
    """Write the text of each region on it, if there is enough space.

    Args:
        image: RGB, uint8 [H, W, 3].
        regions: Regions with an id map [H, W].

    Returns:
        A new array like ``image``.
    """
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas, 'RGBA')
    for region, box, font in place_labels(regions):
        _write(draw, box, regions.texts[region], font, regions.colors[region])
    return np.asarray(canvas).copy()


def place_labels(regions: Regions) -> list[Label]:
    """Find the free position deepest inside each region, smallest regions first, such that no texts overlap."""
    from scipy.ndimage import (
        find_objects,  # here: it takes a quarter of a second, and without drawings nobody needs it
    )

    height, width = regions.id_map.shape
    letter = max(LETTER_SMALLEST, round(max(height, width) * LETTER_SHARE))
    wide, narrow = (default_font(size) for size in (letter, max(LETTER_SMALLEST, round(letter * NARROW_SHARE))))
    step = -(-max(height, width) // SEARCH_SIZE)
    reduced = np.ascontiguousarray(regions.id_map[::step, ::step])
    windows = find_objects(reduced, max_label=len(regions.texts))
    labels: list[Label] = []
    for index in _by_area(reduced):
        depth = _depth(reduced[windows[index]] == index + 1)
        rows, columns = (np.arange(window.start, window.stop) * step for window in windows[index])
        font, size = wide, _box_size(regions.texts[index], wide)
        if depth.max() * step < size[1] / 2 or len(columns) * step < size[0]:
            font, size = narrow, _box_size(regions.texts[index], narrow)
        box = _deepest_box(depth, rows, columns, size, (width, height), [label.box for label in labels])
        if box is not None:
            labels.append(Label(index, box, font))
    return labels


def _by_area(id_map: np.ndarray) -> list[int]:
    """Indices of the regions that are large enough for a name, smallest first."""
    areas = np.bincount(id_map.ravel())[1:]
    return [
        index for index in np.argsort(areas, kind='stable').tolist() if areas[index] > SMALLEST_SHARE * id_map.size
    ]


def _depth(mask: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the border of a mask, 0 outside of the mask, float32 [h, w]."""
    return cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]


def _box_size(text: str, font: Font) -> tuple[int, int]:
    """Width and height of the box around a text."""
    _, top, _, bottom = font.getbbox('Ag')
    margin = round(0.9 * (bottom - top))
    return round(font.getlength(text)) + margin, round(bottom - top) + margin // 2


def _deepest_box(
    depth: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    size: tuple[int, int],
    image_size: tuple[int, int],
    occupied: list[Box],
) -> Box | None:
    """Find the free position deepest in a region.

    Args:
        depth: Distance to the region's border, 0 outside of it, [h, w].
        rows: Pixel coordinates of the h rows in the image, ascending.
        columns: Pixel coordinates of the w columns, ascending.
        size: Width and height of the box.
        image_size: Width and height of the image; the box is moved into it.
        occupied: Boxes that it must not overlap.

    Returns:
        The box, or None if there is no free position.
    """
    width, height = size
    if width > image_size[0] or height > image_size[1]:
        return None
    lefts = np.clip(columns - width // 2, 0, image_size[0] - width)
    tops = np.clip(rows - height // 2, 0, image_size[1] - height)
    free = depth.copy()
    if occupied:
        left, top, right, bottom = np.array(occupied).T
        first_rows, last_rows = np.searchsorted(tops, top - height, 'right'), np.searchsorted(tops, bottom)
        first_columns, last_columns = np.searchsorted(lefts, left - width, 'right'), np.searchsorted(lefts, right)
        for bounds in zip(first_rows, last_rows, first_columns, last_columns, strict=True):
            free[bounds[0] : bounds[1], bounds[2] : bounds[3]] = 0  # what overlaps is a rectangle, as both ascend
    row, column = np.unravel_index(int(free.argmax()), free.shape)
    if free[row, column] == 0:
        return None
    left, top = int(lefts[column]), int(tops[row])
    return Box(left, top, left + width, top + height)


def _write(draw: ImageDraw.ImageDraw, box: Box, text: str, font: Font, color: Color) -> None:
    """Write a text in white on a dark shade of a color."""
    red, green, blue = (channel * 2 // 5 for channel in color)
    corners = (box.left, box.top, box.right - 1, box.bottom - 1)
    draw.rounded_rectangle(corners, radius=(box.bottom - box.top) // 4, fill=(red, green, blue, 215))
    draw.text(((box.left + box.right) / 2, (box.top + box.bottom) / 2), text, 'white', font, anchor='mm')
