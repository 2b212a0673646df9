"""Draws the shapes data set: synthetic scenes with exact panoptic ground truth.

Things differ by their outline and, less clearly, by color, stuff by color and texture. A small model learns them from
scratch within minutes on a CPU. As in real data there are occlusion, crowds, void, and images without things.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from mmoneformer.datasets.shapes.classes import CLASSES, Array, Category, outline_mask, texture

VERSION = 4  # increased by each change after which a seed gives other files
VOID = 0
MAX_THINGS = 6
MIN_VISIBLE = 0.35  # share of a thing that must stay visible
COLOR_SPREAD = 30  # standard deviation of the RGB values of things; classes overlap
MIN_AREA = 60  # visible pixels of a thing in an image with a side of 128


@dataclass(frozen=True)
class Segment:
    """A segment of a scene: its id in the map, and its area before other segments covered it."""

    id: int
    category: Category
    area: int
    iscrowd: int


@dataclass
class Scene:
    """An image under construction.

    Attributes:
        image: RGB, float32 [H, W, 3], about 0 to 255.
        ids: Segment id of each pixel, int32 [H, W]; 0 is void.
        segments: Segments in drawing order.
        categories: Classes that may be drawn.
    """

    image: Array
    ids: Array
    segments: list[Segment]
    categories: Sequence[Category]

    def paint(self, mask: Array, colors: Array, category: Category, *, segment_id: int, iscrowd: int = 0) -> None:
        """Draw a new segment over previous ones: the N pixels of ``mask`` [H, W], with ``colors`` [N, 3]."""
        self.image[mask] = colors
        self.ids[mask] = segment_id
        self.segments.append(Segment(segment_id, category, int(mask.sum()), iscrowd))

    def unused_id(self, rng: Generator) -> int:
        """An id that no segment has."""
        segment_id = VOID
        while segment_id in {VOID, *(segment.id for segment in self.segments)}:
            segment_id = int(rng.integers(1 << 24))
        return segment_id

    def finish(self, rng: Generator) -> None:
        """Soften the image and add noise, as a camera does, and leave out segments that are hidden."""
        noise = rng.normal(0, 4, (*self.ids.shape, 1)).astype(np.float32)
        self.image = (cv2.GaussianBlur(self.image, (3, 3), 0.6) + noise).clip(0, 255)
        visible = set(np.unique(self.ids).tolist())
        self.segments = [segment for segment in self.segments if segment.id in visible]

    @property
    def things(self) -> list[Category]:
        """Categories of things."""
        return [category for category in self.categories if category.isthing]

    @property
    def stuff(self) -> list[Category]:
        """Categories of stuff."""
        return [category for category in self.categories if not category.isthing]

    @property
    def min_area(self) -> float:
        """Minimum number of visible pixels of a thing."""
        return MIN_AREA * (min(self.ids.shape) / 128) ** 2


def draw_scene(rng: Generator, side: int, categories: Sequence[Category] = CLASSES['shapes']) -> Scene:
    """Draw a random scene.

    Args:
        rng: Source of all randomness.
        side: Shorter side in pixels; the longer one is 5/4 of it, horizontally or vertically.
        categories: Classes that may be drawn, with at least three of stuff.

    Returns:
        A scene with image values in 0..255, and visible segments only.
    """
    scene = draw_background(rng, side, categories)
    if rng.random() < 0.2:
        _add_void(scene, rng)
    if rng.random() < 0.1:
        _add_crowd(scene, rng)
    if rng.random() < 0.95:
        for _ in range(rng.integers(1, MAX_THINGS + 1)):
            _add_thing(scene, rng)
    scene.finish(rng)
    return scene


def draw_background(rng: Generator, side: int, categories: Sequence[Category]) -> Scene:
    """Draw stuff alone; arguments as in ``draw_scene``."""
    size = (side, side * 5 // 4) if rng.random() < 0.5 else (side * 5 // 4, side)
    scene = Scene(np.zeros((*size, 3), np.float32), np.zeros(size, np.int32), [], categories)
    _add_stuff(scene, rng)
    return scene


def _add_stuff(scene: Scene, rng: Generator) -> None:
    """Cover the image with one to three bands of stuff with wavy borders."""
    height, width = scene.ids.shape
    count = int(rng.choice([1, 2, 3], p=[0.15, 0.5, 0.35]))
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    horizons = [height * (band + rng.uniform(-0.2, 0.2)) / count for band in range(count)]
    for band, index in enumerate(rng.permutation(len(scene.stuff))[:count]):
        category = scene.stuff[index]
        wave = height * 0.04 * np.sin(columns / width * rng.uniform(3, 9) + rng.uniform(0, 6))
        slope = (columns - width / 2) * rng.uniform(-0.2, 0.2)
        below = rows >= horizons[band] + wave + slope if band else np.ones_like(rows, bool)
        colors = stuff_colors(category, rng, rows, columns, below)
        scene.paint(below, colors, category, segment_id=scene.unused_id(rng))


def stuff_colors(category: Category, rng: Generator, rows: Array, columns: Array, mask: Array) -> Array:
    """RGB values [N, 3] of the pixels of a mask [H, W] of stuff, of all pixels' ``rows`` and ``columns`` [H, W]."""
    grain = texture(category.name, rng, rows, columns)[mask]
    return category.color + rng.uniform(-15, 15, 3) + grain[:, None]


def _add_thing(scene: Scene, rng: Generator) -> None:
    """Add a thing that is visible and does not hide another, unless 20 random places are all unsuitable."""
    size = scene.ids.shape
    side = min(size)
    category = scene.things[rng.integers(len(scene.things))]
    for _ in range(20):
        radius = side * np.exp(rng.uniform(np.log(0.1), np.log(0.27)))
        center = rng.uniform(0.05, 0.95, 2) * size[::-1]
        mask = outline_mask(category.name, size, center, radius, rng.uniform(0, 2 * np.pi))
        uncut = np.pi * radius**2 * 0.25  # a star or a ring covers about a third of its circle
        if mask.sum() >= max(uncut, scene.min_area) and not _hides(scene, mask):
            colors = choose_coat(scene, mask, category, rng).colors(mask)
            scene.paint(mask, colors, category, segment_id=scene.unused_id(rng))
            return


def _hides(scene: Scene, mask: Array) -> bool:
    """Whether the mask would cover too much of a previous thing."""
    touched = set(scene.ids[mask].tolist())
    return any(
        ((scene.ids == segment.id) & ~mask).sum() < max(MIN_VISIBLE * segment.area, scene.min_area)
        for segment in scene.segments
        if segment.id in touched and segment.category.isthing
    )


@dataclass(frozen=True)
class Coat:
    """What a thing looks like: a color with stripes, and a dark rim.

    Attributes:
        color: RGB, 0 to 255.
        angle: Of the stripes, in radians.
        frequency: Of the stripes, in radians per pixel.
        contrast: Of the stripes, in RGB values.
    """

    color: Array
    angle: float
    frequency: float
    contrast: float

    def colors(self, mask: Array, origin: tuple[float, float] = (0, 0)) -> Array:
        """RGB values [N, 3] of the pixels of a thing's mask; the stripes move with ``origin``, x and y in pixels."""
        rows, columns = np.array(mask.nonzero(), np.float32)
        along = (rows - origin[1]) * np.sin(self.angle) + (columns - origin[0]) * np.cos(self.angle)
        colors = self.color + (self.contrast * np.sin(along * self.frequency))[..., None]
        inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
        colors[inner[mask] == 0] *= 0.5
        return colors


def choose_coat(scene: Scene, mask: Array, category: Category, rng: Generator) -> Coat:
    """Choose colors that are close to the class, and unlike the background."""
    near = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool) & ~mask
    around = scene.image[near].mean(axis=0) if near.any() else scene.image.mean(axis=(0, 1))
    candidates = (np.array(category.color) + rng.normal(0, COLOR_SPREAD, (4, 3))).clip(20, 240)
    color = candidates[np.abs(candidates - around).sum(axis=1).argmax()]
    return Coat(color, rng.uniform(0, np.pi), rng.uniform(0.05, 0.9), rng.uniform(5, 30))


def _add_crowd(scene: Scene, rng: Generator) -> None:
    """Add a group of tiny things of one class as a single crowd segment."""
    size = scene.ids.shape
    side = min(size)
    category = scene.things[rng.integers(len(scene.things))]
    center = rng.uniform(0.25, 0.75, 2) * size[::-1]
    mask = np.zeros(size, bool)
    for offset in rng.normal(0, side * 0.09, (14, 2)):
        mask |= outline_mask(category.name, size, center + offset, side * 0.035, rng.uniform(0, 2 * np.pi))
    colors = choose_coat(scene, mask, category, rng).colors(mask)
    scene.paint(mask, colors, category, segment_id=scene.unused_id(rng), iscrowd=1)


def _add_void(scene: Scene, rng: Generator) -> None:
    """Blacken a strip at a border of the image, like that of a scan."""
    strip = max(2, int(min(scene.ids.shape) * rng.uniform(0.02, 0.06)))
    where = np.s_[:strip] if rng.random() < 0.5 else np.s_[:, -strip:]
    scene.image[where] = 8
    scene.ids[where] = VOID
