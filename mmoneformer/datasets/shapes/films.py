"""Draws films of the shapes data set: things that move, cross, hide behind others, leave and enter, with known ids.

The classes, and how they are drawn, are those of the images: what was trained on images predicts the frames.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from mmoneformer.datasets.shapes.classes import CLASSES, Array, Category, outline_mask
from mmoneformer.datasets.shapes.scene import Coat, Scene, choose_coat, draw_background

VERSION = 1  # increased by each change after which a seed gives other films
LENGTH = 40  # frames of a film
RATE = 10.0  # frames per second
MOVERS = (4, 7)  # least and greatest number of things that move, the latter exclusive
RADIUS = (0.09, 0.16)  # of those, as a share of the shorter side
SPEED = (0.02, 0.05)  # per frame, as a share of the shorter side
SPIN = 0.06  # greatest turn per frame, in radians
SOLID = ('circle', 'square', 'hexagon')  # classes of screens, which hide what passes behind them
SCREEN_RADIUS = (0.22, 0.28)
SCREEN_SPEED = 0.004


@dataclass(frozen=True)
class Mover:
    """A thing that moves along a line and turns.

    Attributes:
        id: Of its segment, in every frame.
        category: Its class.
        radius: In pixels.
        start: Place in frame 0, which may be outside of the image: x and y in pixels.
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

    def mask(self, frame: int, size: tuple[int, int]) -> Array:
        """Its pixels in a frame, whether others hide them or not; bool [H, W]."""
        center = self.start + frame * self.velocity
        return outline_mask(self.category.name, size, center, self.radius, self.angle + frame * self.spin)

    def paint(self, scene: Scene, frame: int) -> None:
        """Draw it over what the scene has, if it is in the image."""
        mask = self.mask(frame, (scene.ids.shape[0], scene.ids.shape[1]))
        if mask.any():
            x, y = frame * self.velocity
            scene.paint(mask, self.coat.colors(mask, (x, y)), self.category, segment_id=self.id)


def draw_film(
    rng: Generator, side: int, categories: Sequence[Category] = CLASSES['shapes'], *, length: int = LENGTH
) -> Iterator[Scene]:
    """Draw the frames of a random film.

    One or two large things in the middle, which hardly move, hide smaller ones that pass behind them.

    Args:
        rng: Source of all randomness.
        side: Shorter side in pixels; the longer one is 5/4 of it, horizontally or vertically.
        categories: Classes that may be drawn, with at least three of stuff.
        length: Number of frames.

    Yields:
        A scene for each frame, with visible segments only; ids stay.
    """
    background = draw_background(rng, side, categories)
    movers = _choose_movers(background, rng, length)
    for frame in range(length):
        scene = replace(
            background,
            image=background.image.copy(),
            ids=background.ids.copy(),
            segments=list(background.segments),
        )
        for mover in movers:
            mover.paint(scene, frame)
        scene.finish(rng)
        yield scene


class _Role(NamedTuple):
    """What is known of a thing before its place is chosen: radius (least, greatest) and speed are shares of a side."""

    category: Category
    radii: tuple[float, float]
    speed: float


def _choose_movers(background: Scene, rng: Generator, length: int) -> list[Mover]:
    """The things of a film, those in front last; few classes, so that things of the same class meet."""
    things = background.things
    few = [things[index] for index in rng.permutation(len(things))[:3]]
    solid = [category for category in things if category.name in SOLID]
    roles = [_Role(few[rng.integers(3)], RADIUS, rng.uniform(*SPEED)) for _ in range(rng.integers(*MOVERS))]
    roles += [_Role(solid[rng.integers(len(solid))], SCREEN_RADIUS, SCREEN_SPEED) for _ in range(rng.integers(1, 3))]
    ids = _unused_ids(background, len(roles), rng)
    return [_choose_mover(background, rng, length, *chosen) for chosen in zip(ids, roles, strict=True)]


def _choose_mover(background: Scene, rng: Generator, length: int, segment_id: int, role: _Role) -> Mover:
    """A thing that is in the middle of the image at some time of the film."""
    height, width = background.ids.shape
    side = min(height, width)
    radius, direction, angle = side * rng.uniform(*role.radii), *rng.uniform(0, 2 * np.pi, 2)
    velocity = side * role.speed * np.array([np.cos(direction), np.sin(direction)])
    middle = rng.uniform(0.3, 0.7, 2) * (width, height)
    mask = outline_mask(role.category.name, (height, width), middle, radius, angle)
    coat = choose_coat(background, mask, role.category, rng)
    start = middle - velocity * rng.uniform(0.2, 0.8) * length
    return Mover(segment_id, role.category, radius, start, velocity, angle, rng.uniform(-SPIN, SPIN), coat)


def _unused_ids(scene: Scene, count: int, rng: Generator) -> list[int]:
    ids: list[int] = []
    while len(ids) < count:
        segment_id = scene.unused_id(rng)
        if segment_id not in ids:
            ids.append(segment_id)
    return ids
