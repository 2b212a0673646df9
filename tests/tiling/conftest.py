"""Scenes whose tiles are known exactly, without a network."""

from dataclasses import dataclass

import numpy as np
import pytest

from mmoneformer.tiling.grid import TileGrid
from mmoneformer.tiling.tile import TileResult
from mmoneformer_deploy.result_dicts import instance_dict, panoptic_dict
from mmoneformer_deploy.run_lengths import encode_edges, find_edges

CLASSES = {'classes': ('grass', 'car', 'water', 'boat'), 'thing_ids': (1, 3)}


@dataclass
class Scene:
    """A picture: classes of stuff at each pixel, and things, each a class and a mask, those in front last."""

    stuff: np.ndarray
    things: list

    @property
    def owners(self):
        """1 + the index of the thing at each pixel, 0 for stuff."""
        owners = np.zeros(self.stuff.shape, int)
        for number, (_, mask) in enumerate(self.things, start=1):
            owners[mask] = number
        return owners

    @property
    def labels(self):
        """Class of each pixel."""
        return np.where(self.owners, np.array([0, *(label for label, _ in self.things)])[self.owners], self.stuff)

    def merged(self, make, grid: TileGrid, exact, valid=None, change=lambda tile, result: result, context=None):
        """The result of a merger that gets what the tiles have of the scene."""
        merger = make(grid, CLASSES, context)
        for tile, window in enumerate(grid.windows):
            crop = Scene(self.stuff[window.pixels], [(label, mask[window.pixels]) for label, mask in self.things])
            counts = None if valid is None else valid[window.pixels]
            result = change(tile, exact(crop))
            merger.add(TileResult(tile, result, one_hot(crop), counts))
        return merger.result()


def one_hot(scene: Scene):
    """A score of 1 for the class of each pixel."""
    return lambda rows, columns: np.eye(4, dtype=np.float32)[scene.labels[rows, columns]].T


def exact_panoptic(scene: Scene):
    """The panoptic dict of a scene."""
    values = np.where(scene.owners, 10 + scene.owners, scene.stuff)
    found, ids = np.unique(values, return_inverse=True)
    labels = [int(value) if value < 10 else scene.things[value - 11][0] for value in found]
    scores = [0.9] * len(labels)
    return panoptic_dict((ids.reshape(values.shape) + 1).astype(np.int32), labels, scores, CLASSES)


def exact_instances(scene: Scene):
    """The instance dict of a scene, with whole masks also behind other things."""
    visible = [(label, mask) for label, mask in scene.things if mask.any()]
    masks = [encode_edges(find_edges(mask.T), mask.shape) for _, mask in visible]
    scores = [0.9 - 0.001 * number for number in range(len(visible))]
    return instance_dict([label for label, _ in visible], scores, [[0, 0, 0, 0]] * len(visible), masks, CLASSES)


def exact_semantic(scene: Scene):
    """The semantic dict of a scene."""
    return {'label_map': scene.labels.astype(np.uint8)}


@pytest.fixture(scope='session')
def classes():
    return CLASSES


@pytest.fixture(scope='session')
def exact():
    """What a tile has, by task."""
    return {'panoptic': exact_panoptic, 'instance': exact_instances, 'semantic': exact_semantic}


def box(size, top, left, bottom, right):
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask


def disk(size, row, column, radius):
    rows, columns = np.ogrid[: size[0], : size[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


@pytest.fixture(scope='session')
def scene():
    """Things in one tile, across two and four of a grid of 40 and 12 pixels, thin ones, one larger than a tile."""
    size = (110, 140)
    rows, columns = np.mgrid[: size[0], : size[1]]
    stuff = np.where(rows + 8 * np.sin(columns / 9) < 60, 0, 2)
    ring = disk(size, 55, 100, 35) & ~disk(size, 55, 100, 28)  # larger than a tile
    things = [
        (1, ring),
        (1, disk(size, 12, 12, 6)),  # in one tile
        (3, disk(size, 15, 33, 9)),  # across two
        (1, disk(size, 34, 35, 7)),  # in the corner of four
        (3, box(size, 39, 2, 41, 60)),  # thin, along a seam
        (1, box(size, 60, 27, 108, 29)),  # thin, along the other seam
        (3, disk(size, 100, 62, 8)),
        (1, disk(size, 55, 100, 6)),
        (1, np.abs(rows - 0.9 * columns + 20) < 1.5),  # from corner to corner
    ]
    return Scene(stuff, things)


@pytest.fixture(scope='session')
def grid(scene):
    return TileGrid(scene.stuff.shape, 40, 12)
