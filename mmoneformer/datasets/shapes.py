"""Draws the shapes data set: synthetic scenes with exact panoptic ground truth.

Things are told by their outline and, less surely, their colour, stuff by colour and texture. A small model learns it
from scratch on a CPU within minutes, and yet it has what real data has: occlusion, crowds, void, images without
things.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

Array = np.ndarray
VERSION = 3  # counts the changes after which a seed gives other pictures
VOID = 0
MAX_THINGS = 6
MIN_VISIBLE = 0.35  # share of a thing that others must leave uncovered
COLOUR_SPREAD = 30  # of a thing's RGB values around those of its class; classes overlap
TINY = 60  # pixels; the least visible area of a thing in an image of side 128


@dataclass(frozen=True)
class Category:
    """A class of the data set, as its json lists it (ids have gaps, as COCO's)."""

    id: int
    name: str
    isthing: int
    color: tuple[int, int, int]


CATEGORIES = (
    Category(2, 'grass', 0, (90, 170, 60)),
    Category(3, 'circle', 1, (220, 60, 60)),
    Category(7, 'square', 1, (60, 90, 220)),
    Category(8, 'water', 0, (40, 110, 160)),
    Category(12, 'triangle', 1, (240, 170, 30)),
    Category(20, 'sand', 0, (220, 200, 140)),
    Category(21, 'star', 1, (170, 60, 200)),
    Category(30, 'ring', 1, (30, 190, 170)),
    Category(41, 'sky', 0, (140, 190, 240)),
)
THINGS = tuple(category for category in CATEGORIES if category.isthing)
STUFF = tuple(category for category in CATEGORIES if not category.isthing)


@dataclass(frozen=True)
class Segment:
    """A segment of a scene: its value in the id map, and how many pixels it had before others covered it."""

    id: int
    category: Category
    area: int
    iscrowd: int


@dataclass
class Scene:
    """An image under construction.

    Attributes:
        image: RGB, float32 [H, W, 3], about 0 to 255.
        ids: Segment of each pixel, int32 [H, W]; 0 is void.
        segments: In the order in which they were drawn.
    """

    image: Array
    ids: Array
    segments: list[Segment]

    def paint(self, mask: Array, colours: Array, category: Category, *, rng: Generator, iscrowd: int = 0) -> None:
        """Draw a new segment, the pixels of ``mask`` [H, W] in ``colours`` [H, W, 3], over what is there."""
        segment_id = VOID
        while segment_id in {VOID, *(segment.id for segment in self.segments)}:
            segment_id = int(rng.integers(1 << 24))
        self.image[mask] = colours[mask]
        self.ids[mask] = segment_id
        self.segments.append(Segment(segment_id, category, int(mask.sum()), iscrowd))

    @property
    def least_area(self) -> float:
        """Pixels that a thing must show."""
        return TINY * (min(self.ids.shape) / 128) ** 2


def draw_scene(rng: Generator, side: int) -> Scene:
    """Draw a random scene.

    Args:
        rng: Decides everything.
        side: Shorter side in pixels; the longer is 5/4 of it, in either direction.

    Returns:
        A scene with image values in 0..255 and every segment visible.
    """
    size = (side, side * 5 // 4) if rng.random() < 0.5 else (side * 5 // 4, side)
    scene = Scene(np.zeros((*size, 3), np.float32), np.zeros(size, np.int32), [])
    _add_stuff(scene, rng)
    if rng.random() < 0.2:
        _add_void(scene, rng)
    if rng.random() < 0.1:
        _add_crowd(scene, rng)
    if rng.random() < 0.95:
        for _ in range(rng.integers(1, MAX_THINGS + 1)):
            _add_thing(scene, rng)
    scene.image = cv2.GaussianBlur(scene.image, (3, 3), 0.6) + rng.normal(0, 4, (*size, 1)).astype(np.float32)
    scene.image = scene.image.clip(0, 255)
    visible = set(np.unique(scene.ids).tolist())
    scene.segments = [segment for segment in scene.segments if segment.id in visible]
    return scene


# ---- stuff: colour and texture -----------------------------------------------------------------------------------


def _add_stuff(scene: Scene, rng: Generator) -> None:
    """Cover the image with one to three bands of stuff behind wavy horizons."""
    height, width = scene.ids.shape
    count = int(rng.choice([1, 2, 3], p=[0.15, 0.5, 0.35]))
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    horizons = [height * (band + rng.uniform(-0.2, 0.2)) / count for band in range(count)]
    for band, index in enumerate(rng.permutation(len(STUFF))[:count]):
        category = STUFF[index]
        wave = height * 0.04 * np.sin(columns / width * rng.uniform(3, 9) + rng.uniform(0, 6))
        slope = (columns - width / 2) * rng.uniform(-0.2, 0.2)
        below = rows >= horizons[band] + wave + slope if band else np.ones_like(rows, bool)
        texture = TEXTURES[category.name](rng, rows, columns)
        colours = np.array(category.color, np.float32) + rng.uniform(-15, 15, 3) + texture[..., None]
        scene.paint(below, colours.astype(np.float32), category, rng=rng)


def _smooth_noise(rng: Generator, rows: Array, grain: float) -> Array:
    """Blotches of about ``grain`` pixels, values about -1 to 1."""
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


TEXTURES: dict[str, Callable[[Generator, Array, Array], Array]] = {
    'grass': _blades,
    'water': _waves,
    'sand': _grains,
    'sky': _clouds,
}


# ---- things: outline ---------------------------------------------------------------------------------------------


def _polygon(corners: int, inner: float = 1.0) -> Array:
    """Corners on the unit circle, [N, 2]; with ``inner`` < 1 every other corner lies so far from the centre."""
    count = corners if inner == 1.0 else 2 * corners
    angles = np.arange(count) * 2 * np.pi / count
    radii = np.where(np.arange(count) % 2, inner, 1.0)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]


OUTLINES = {
    'circle': _polygon(48),
    'ring': _polygon(48),
    'square': _polygon(4),
    'triangle': _polygon(3),
    'star': _polygon(5, inner=0.42),
}
HOLE = 0.55  # of a ring, relative to its radius


def _outline_mask(name: str, size: tuple[int, int], centre: Array, radius: float, angle: float) -> Array:
    """Pixels of a shape, bool [H, W]; centre as (x, y)."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = OUTLINES[name] @ turn.T * radius
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.rint(centre + points).astype(np.int32)], 1)
    if name == 'ring':
        cv2.fillPoly(mask, [np.rint(centre + points * HOLE).astype(np.int32)], 0)
    return mask.astype(bool)


def _add_thing(scene: Scene, rng: Generator) -> None:
    """Add a thing where it can be seen and hides no other; none if 20 places do not do."""
    size = scene.ids.shape
    side = min(size)
    category = THINGS[rng.integers(len(THINGS))]
    for _ in range(20):
        radius = side * np.exp(rng.uniform(np.log(0.1), np.log(0.27)))
        centre = rng.uniform(0.05, 0.95, 2) * size[::-1]
        mask = _outline_mask(category.name, size, centre, radius, rng.uniform(0, 2 * np.pi))
        whole = np.pi * radius**2 * 0.25  # a star or a ring is about a third of its circle
        if mask.sum() >= max(whole, scene.least_area) and not _hides(scene, mask):
            scene.paint(mask, _coat(scene, mask, category, rng), category, rng=rng)
            return


def _hides(scene: Scene, mask: Array) -> bool:
    """Whether too little of an earlier thing would remain visible."""
    touched = set(scene.ids[mask].tolist())
    return any(
        ((scene.ids == segment.id) & ~mask).sum() < max(MIN_VISIBLE * segment.area, scene.least_area)
        for segment in scene.segments
        if segment.id in touched and segment.category.isthing
    )


def _coat(scene: Scene, mask: Array, category: Category, rng: Generator) -> Array:
    """Colours [H, W, 3] of a thing: like its class, unlike its surroundings, with a pattern and a dark rim."""
    near = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool) & ~mask
    around = scene.image[near].mean(axis=0) if near.any() else scene.image.mean(axis=(0, 1))
    candidates = (np.array(category.color) + rng.normal(0, COLOUR_SPREAD, (4, 3))).clip(20, 240)
    colour = candidates[np.abs(candidates - around).sum(axis=1).argmax()]
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(np.float32)
    angle, frequency = rng.uniform(0, np.pi), rng.uniform(0.05, 0.9)
    shade = rng.uniform(5, 30) * np.sin((rows * np.sin(angle) + columns * np.cos(angle)) * frequency)
    rim = mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    colours = colour + shade[..., None]
    colours[rim] *= 0.5
    return colours.astype(np.float32)


# ---- crowds and void ---------------------------------------------------------------------------------------------


def _add_crowd(scene: Scene, rng: Generator) -> None:
    """Add a group of tiny things of one class, which is one crowd segment."""
    size = scene.ids.shape
    side = min(size)
    category = THINGS[rng.integers(len(THINGS))]
    centre = rng.uniform(0.25, 0.75, 2) * size[::-1]
    mask = np.zeros(size, bool)
    for offset in rng.normal(0, side * 0.09, (14, 2)):
        mask |= _outline_mask(category.name, size, centre + offset, side * 0.035, rng.uniform(0, 2 * np.pi))
    scene.paint(mask, _coat(scene, mask, category, rng), category, rng=rng, iscrowd=1)


def _add_void(scene: Scene, rng: Generator) -> None:
    """Blacken a strip at a border of the image, as scans have it."""
    strip = max(2, int(min(scene.ids.shape) * rng.uniform(0.02, 0.06)))
    where = np.s_[:strip] if rng.random() < 0.5 else np.s_[:, -strip:]
    scene.image[where] = 8
    scene.ids[where] = VOID
