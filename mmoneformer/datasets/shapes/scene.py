"""Draws the shapes data set: synthetic scenes with exact panoptic ground truth.

Things are told by their outline and, less surely, their color, stuff by color and texture. A small model learns it
from scratch on a CPU within minutes, and yet it has what real data has: occlusion, crowds, void, images without
things.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from mmoneformer.datasets.shapes.classes import CLASSES, Array, Category, outline_mask, texture

VERSION = 4  # counts the changes after which a seed gives other files
VOID = 0
MAX_THINGS = 6
MIN_VISIBLE = 0.35  # share of a thing that others must leave uncovered
COLOR_SPREAD = 30  # of a thing's RGB values around those of its class; classes overlap
TINY = 60  # pixels; the least visible area of a thing in an image of side 128


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
        categories: What may be drawn.
    """

    image: Array
    ids: Array
    segments: list[Segment]
    categories: Sequence[Category]

    def paint(self, mask: Array, colors: Array, category: Category, *, rng: Generator, iscrowd: int = 0) -> None:
        """Draw a new segment, the pixels of ``mask`` [H, W] in ``colors`` [H, W, 3], over what is there."""
        segment_id = VOID
        while segment_id in {VOID, *(segment.id for segment in self.segments)}:
            segment_id = int(rng.integers(1 << 24))
        self.image[mask] = colors[mask]
        self.ids[mask] = segment_id
        self.segments.append(Segment(segment_id, category, int(mask.sum()), iscrowd))

    @property
    def things(self) -> list[Category]:
        """Categories that are countable."""
        return [category for category in self.categories if category.isthing]

    @property
    def stuff(self) -> list[Category]:
        """Categories that are not."""
        return [category for category in self.categories if not category.isthing]

    @property
    def least_area(self) -> float:
        """Pixels that a thing must show."""
        return TINY * (min(self.ids.shape) / 128) ** 2


def draw_scene(rng: Generator, side: int, categories: Sequence[Category] = CLASSES['shapes']) -> Scene:
    """Draw a random scene.

    Args:
        rng: Decides everything.
        side: Shorter side in pixels; the longer is 5/4 of it, in either direction.
        categories: What may be drawn, at least three kinds of stuff among it.

    Returns:
        A scene with image values in 0..255 and every segment visible.
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
    """Cover the image with one to three bands of stuff behind wavy horizons."""
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
    """Add a thing where it can be seen and hides no other; none if 20 places do not do."""
    size = scene.ids.shape
    side = min(size)
    category = scene.things[rng.integers(len(scene.things))]
    for _ in range(20):
        radius = side * np.exp(rng.uniform(np.log(0.1), np.log(0.27)))
        center = rng.uniform(0.05, 0.95, 2) * size[::-1]
        mask = outline_mask(category.name, size, center, radius, rng.uniform(0, 2 * np.pi))
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
    """Colors [H, W, 3] of a thing: like its class, unlike its surroundings, with a pattern and a dark rim."""
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
    """Add a group of tiny things of one class, which is one crowd segment."""
    size = scene.ids.shape
    side = min(size)
    category = scene.things[rng.integers(len(scene.things))]
    center = rng.uniform(0.25, 0.75, 2) * size[::-1]
    mask = np.zeros(size, bool)
    for offset in rng.normal(0, side * 0.09, (14, 2)):
        mask |= outline_mask(category.name, size, center + offset, side * 0.035, rng.uniform(0, 2 * np.pi))
    scene.paint(mask, _coat(scene, mask, category, rng), category, rng=rng, iscrowd=1)


def _add_void(scene: Scene, rng: Generator) -> None:
    """Blacken a strip at a border of the image, as scans have it."""
    strip = max(2, int(min(scene.ids.shape) * rng.uniform(0.02, 0.06)))
    where = np.s_[:strip] if rng.random() < 0.5 else np.s_[:, -strip:]
    scene.image[where] = 8
    scene.ids[where] = VOID
