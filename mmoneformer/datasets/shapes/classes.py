"""Classes of the shapes data sets: names, colors, outlines and textures."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

Array = np.ndarray


@dataclass(frozen=True)
class Category:
    """A class of a shapes data set, as in its json; ids have gaps, like those of COCO."""

    id: int
    name: str
    isthing: int
    color: tuple[int, int, int]


CLASSES = {
    'shapes': (
        Category(2, 'grass', 0, (90, 170, 60)),
        Category(3, 'circle', 1, (220, 60, 60)),
        Category(7, 'square', 1, (60, 90, 220)),
        Category(8, 'water', 0, (40, 110, 160)),
        Category(12, 'triangle', 1, (240, 170, 30)),
        Category(20, 'sand', 0, (220, 200, 140)),
        Category(21, 'star', 1, (170, 60, 200)),
        Category(30, 'ring', 1, (30, 190, 170)),
        Category(41, 'sky', 0, (140, 190, 240)),
    ),
    'signs': (  # two of the names above with other ids, and five new ones
        Category(1, 'cross', 1, (200, 40, 90)),
        Category(4, 'brick', 0, (170, 90, 70)),
        Category(5, 'star', 1, (170, 60, 200)),
        Category(9, 'snow', 0, (225, 230, 240)),
        Category(10, 'arrow', 1, (30, 120, 210)),
        Category(16, 'grass', 0, (90, 170, 60)),
        Category(23, 'hexagon', 1, (230, 190, 40)),
    ),
}


def find_categories(classes: str) -> tuple[Category, ...]:
    """Return the categories of a key of ``CLASSES``.

    Raises:
        ValueError: If there is no such key.
    """
    if classes not in CLASSES:
        raise ValueError(f'unknown classes {classes!r}: choose one of {list(CLASSES)}')
    return CLASSES[classes]


def texture(name: str, rng: Generator, rows: Array, columns: Array) -> Array:
    """Return the brightness of a stuff class, about -60 to 60, at pixels with these rows and columns [H, W]."""
    return TEXTURES[name](rng, rows, columns)


def outline_mask(name: str, size: tuple[int, int], center: Array, radius: float, angle: float) -> Array:
    """Return the mask of a thing, bool [H, W]; ``center`` is (x, y), ``radius`` in pixels, ``angle`` in radians."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = OUTLINES[name] @ turn.T * radius
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.rint(center + points).astype(np.int32)], 1)
    if name == 'ring':
        cv2.fillPoly(mask, [np.rint(center + points * HOLE).astype(np.int32)], 0)
    return mask.astype(bool)


def _smooth_noise(rng: Generator, rows: Array, grain: float) -> Array:
    """Smooth noise with details of about ``grain`` pixels and values of about -1 to 1."""
    height, width = rows.shape
    coarse = rng.normal(0, 0.6, (max(2, int(height / grain)), max(2, int(width / grain)))).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def _blades(rng: Generator, rows: Array, columns: Array) -> Array:
    lean = rng.uniform(-0.3, 0.3)
    return 22 * np.sin((columns + lean * rows) * 1.6 + 3 * _smooth_noise(rng, rows, 8))


def _waves(rng: Generator, rows: Array, columns: Array) -> Array:
    return 22 * np.sin(rows * 0.7 + 2 * np.sin(columns * rng.uniform(0.06, 0.1) + rng.uniform(0, 6)))


def _grains(rng: Generator, rows: Array, columns: Array) -> Array:
    return rng.normal(0, 14, rows.shape) - 45 * (rng.random(rows.shape) < 0.04)


def _clouds(rng: Generator, rows: Array, columns: Array) -> Array:
    return 60 * (_smooth_noise(rng, rows, 24) - 0.2).clip(0, 1)


def _joints(rng: Generator, rows: Array, columns: Array) -> Array:
    height = rng.uniform(7, 10)
    course = rows // height
    along = columns / (2 * height) + course % 2 / 2
    return -50.0 * ((rows % height < 1.5) | (along % 1 < 0.08))


def _drifts(rng: Generator, rows: Array, columns: Array) -> Array:
    return 18 * _smooth_noise(rng, rows, 16)


TEXTURES: dict[str, Callable[[Generator, Array, Array], Array]] = {
    'grass': _blades,
    'water': _waves,
    'sand': _grains,
    'sky': _clouds,
    'brick': _joints,
    'snow': _drifts,
}


def _polygon(corners: int, inner: float = 1.0) -> Array:
    """Corners on the unit circle, [N, 2]; with ``inner`` < 1 every other corner has that distance from the center."""
    count = corners if inner == 1.0 else 2 * corners
    angles = np.arange(count) * 2 * np.pi / count
    radii = np.where(np.arange(count) % 2, inner, 1.0)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]


_CROSS = [(1, 0.3), (0.3, 0.3), (0.3, 1), (-0.3, 1), (-0.3, 0.3), (-1, 0.3)]  # the upper half
_ARROW = [(-1, 0.25), (0, 0.25), (0, 0.8), (1, 0), (0, -0.8), (0, -0.25), (-1, -0.25)]
OUTLINES = {
    'circle': _polygon(48),
    'ring': _polygon(48),
    'square': _polygon(4),
    'triangle': _polygon(3),
    'star': _polygon(5, inner=0.42),
    'hexagon': _polygon(6),
    'cross': np.array([*_CROSS, *((-x, -y) for x, y in _CROSS)]),
    'arrow': np.array(_ARROW),
}
HOLE = 0.55  # of a ring, relative to its radius
