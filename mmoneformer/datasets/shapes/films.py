"""Draws films of the shapes data set: things that move, cross, hide behind others, leave and enter, with known ids.

The classes, and how they are drawn, are those of the images: what was trained on images predicts the frames.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from mmoneformer.datasets.shapes.classes import CLASSES, Array, Category, outline_mask
from mmoneformer.datasets.shapes.scene import Coat, Scene, choose_coat, draw_background, stuff_colors

VERSION = 1  # increased by each change after which a seed gives other films
LENGTH = 40  # frames of a film
RATE = 4.0  # frames per second
MOVERS = (3, 6)  # least and greatest number of things, the latter exclusive
RADIUS = (0.13, 0.2)  # of things, as a share of the shorter side
SPEED = (0.1, 0.3)  # per frame, as a share of the shorter side: up to the size of a thing
TURN = 0.4  # greatest angle between the direction of a thing and the longer side of the image, in radians
SPIN = 0.06  # greatest turn per frame, in radians
SCREEN_WIDTH = (0.36, 0.42)  # as a share of the shorter side


@dataclass(frozen=True)
class Mover:
    """A thing that moves and turns; it leaves the image, turns round when it is out of sight, and comes back.

    Attributes:
        id: Of its segment, in every frame.
        category: Its class.
        radius: In pixels.
        start: Place in frame 0: x and y in pixels.
        velocity: In pixels per frame.
        angle: In frame 0, in radians.
        spin: In radians per frame.
        coat: What it looks like; the stripes move with it.
    """

    id: int
    category: Category
    radius: float
    start: Array
    velocity: Array
    angle: float
    spin: float
    coat: Coat

    def place(self, frame: int, size: tuple[int, int]) -> Array:
        """Middle in a frame of this height and width: x and y in pixels."""
        margin = 1.5 * self.radius
        length = np.array(size[::-1]) + 2 * margin
        along = (self.start + frame * self.velocity + margin) % (2 * length)
        return length - np.abs(along - length) - margin

    def paint(self, scene: Scene, frame: int) -> None:
        """Draw it over what the scene has, if it is in the image."""
        size = (scene.ids.shape[0], scene.ids.shape[1])
        x, y = self.place(frame, size)
        angle = self.angle + frame * self.spin
        mask = outline_mask(self.category.name, size, np.array([x, y]), self.radius, angle)
        if mask.any():
            scene.paint(mask, self.coat.colors(mask, (x, y)), self.category, segment_id=self.id)


@dataclass(frozen=True)
class Screen:
    """Stuff in front of everything else, across the longer side of the image, which hides what passes behind it.

    Attributes:
        id: Of its segment, in every frame.
        category: A class that the background does not have.
        mask: bool [H, W].
        colors: RGB values of its N pixels, [N, 3].
    """

    id: int
    category: Category
    mask: Array
    colors: Array


def draw_film(
    rng: Generator, side: int, categories: Sequence[Category] = CLASSES['shapes'], *, length: int = LENGTH
) -> Iterator[Scene]:
    """Draw the frames of a random film, in which things pass behind a screen, from either side, and behind others.

    Args:
        rng: Source of all randomness.
        side: Shorter side in pixels; the longer one is 5/4 of it, horizontally or vertically.
        categories: Classes that may be drawn, with at least three of stuff.
        length: Number of frames.

    Yields:
        A scene for each frame, with visible segments only; ids stay.
    """
    background = draw_background(rng, side, categories)
    while len(background.segments) == len(background.stuff):  # no class is left for the screen
        background = draw_background(rng, side, categories)
    screen_id, *ids = _unused_ids(background, 1 + int(rng.integers(*MOVERS)), rng)
    movers = _choose_movers(background, ids, rng)
    screen = _choose_screen(background, screen_id, rng)
    for frame in range(length):
        scene = replace(
            background,
            image=background.image.copy(),
            ids=background.ids.copy(),
            segments=list(background.segments),
        )
        for mover in movers:
            mover.paint(scene, frame)
        scene.paint(screen.mask, screen.colors, screen.category, segment_id=screen.id)
        scene.finish(rng)
        yield scene


def _choose_movers(background: Scene, ids: Sequence[int], rng: Generator) -> list[Mover]:
    """The things of a film, those in front last; few classes, so that things of the same class meet."""
    things = background.things
    few = [things[index] for index in rng.permutation(len(things))[:3]]
    return [_choose_mover(background, few[rng.integers(3)], segment_id, rng) for segment_id in ids]


def _choose_mover(background: Scene, category: Category, segment_id: int, rng: Generator) -> Mover:
    """A thing that moves along the longer side."""
    height, width = background.ids.shape
    side = min(height, width)
    radius, angle = side * rng.uniform(*RADIUS), rng.uniform(0, 2 * np.pi)
    direction = rng.uniform(-TURN, TURN) + np.pi * rng.integers(2) + (np.pi / 2 if height > width else 0)
    velocity = side * rng.uniform(*SPEED) * np.array([np.cos(direction), np.sin(direction)])
    start = rng.uniform(0.1, 0.9, 2) * (width, height)
    coat = choose_coat(background, outline_mask(category.name, (height, width), start, radius, angle), category, rng)
    return Mover(segment_id, category, radius, start, velocity, angle, rng.uniform(-SPIN, SPIN), coat)


def _choose_screen(background: Scene, segment_id: int, rng: Generator) -> Screen:
    """A strip of a class of stuff through the middle."""
    used = {segment.category for segment in background.segments}
    unused = [category for category in background.stuff if category not in used]
    category = unused[rng.integers(len(unused))]
    height, width = background.ids.shape
    side = min(height, width)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    along, across = (columns, rows) if width > height else (rows, columns)
    middle = max(height, width) / 2 + 0.03 * side * np.sin(across * rng.uniform(0.05, 0.1))
    mask = np.abs(along - middle) < side * rng.uniform(*SCREEN_WIDTH) / 2
    return Screen(segment_id, category, mask, stuff_colors(category, rng, rows, columns, mask))


def _unused_ids(scene: Scene, count: int, rng: Generator) -> list[int]:
    ids: list[int] = []
    while len(ids) < count:
        segment_id = scene.unused_id(rng)
        if segment_id not in ids:
            ids.append(segment_id)
    return ids
