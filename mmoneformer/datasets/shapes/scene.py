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

    def paint(self, mask: Array, colors: Array, category: Category, *, rng: Generator, iscrowd: int = 0) -> None:
        """Draw a new segment: the pixels of ``mask`` [H, W] with ``colors`` [H, W, 3], over previous segments."""
        segment_id = VOID
        while segment_id in {VOID, *(segment.id for segment in self.segments)}:
            segment_id = int(rng.integers(1 << 24))
        self.image[mask] = colors[mask]
        self.ids[mask] = segment_id
        self.segments.append(Segment(segment_id, category, int(mask.sum()), iscrowd))

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
    size = (side, side * 5 // 4) if rng.random() < 0.5 else (side * 5 // 4, side)
    scene = Scene(np.zeros((*size, 3), np.float32), np.zeros(size, np.int32), [], categories)
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
        grain = texture(category.name, rng, rows, columns)
        colors = np.array(category.color, np.float32) + rng.uniform(-15, 15, 3) + grain[..., None]
        scene.paint(below, colors.astype(np.float32), category, rng=rng)


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
            scene.paint(mask, _coat(scene, mask, category, rng), category, rng=rng)
            return


def _hides(scene: Scene, mask: Array) -> bool:
    """Whether the mask would cover too much of a previous thing."""
    touched = set(scene.ids[mask].tolist())
    return any(
        ((scene.ids == segment.id) & ~mask).sum() < max(MIN_VISIBLE * segment.area, scene.min_area)
        for segment in scene.segments
        if segment.id in touched and segment.category.isthing
    )


def _coat(scene: Scene, mask: Array, category: Category, rng: Generator) -> Array:
    """Colors [H, W, 3] of a thing: close to its class, unlike the background, with a pattern and a dark rim."""
    near = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool) & ~mask
    around = scene.image[near].mean(axis=0) if near.any() else scene.image.mean(axis=(0, 1))
    candidates = (np.array(category.color) + rng.normal(0, COLOR_SPREAD, (4, 3))).clip(20, 240)
    color = candidates[np.abs(candidates - around).sum(axis=1).argmax()]
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(np.float32)
    angle, frequency = rng.uniform(0, np.pi), rng.uniform(0.05, 0.9)
    shade = rng.uniform(5, 30) * np.sin((rows * np.sin(angle) + columns * np.cos(angle)) * frequency)
    rim = mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    colors = color + shade[..., None]
    colors[rim] *= 0.5
    return colors.astype(np.float32)


def _add_crowd(scene: Scene, rng: Generator) -> None:
    """Add a group of tiny things of one class as a single crowd segment."""
    size = scene.ids.shape
    side = min(size)
    category = scene.things[rng.integers(len(scene.things))]
    center = rng.uniform(0.25, 0.75, 2) * size[::-1]
    mask = np.zeros(size, bool)
    for offset in rng.normal(0, side * 0.09, (14, 2)):
        mask |= outline_mask(category.name, size, center + offset, side * 0.035, rng.uniform(0, 2 * np.pi))
    scene.paint(mask, _coat(scene, mask, category, rng), category, rng=rng, iscrowd=1)


def _add_void(scene: Scene, rng: Generator) -> None:
    """Blacken a strip at a border of the image, like that of a scan."""
    strip = max(2, int(min(scene.ids.shape) * rng.uniform(0.02, 0.06)))
    where = np.s_[:strip] if rng.random() < 0.5 else np.s_[:, -strip:]
    scene.image[where] = 8
    scene.ids[where] = VOID
