"""Memory and time of large pictures that are predicted in tiles."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarking.measuring import Timing, memory_of
from benchmarking.mosaics import Mosaic
from mmoneformer.apis import OneFormerInferencer
from mmoneformer.tiling.grid import TileGrid


class Tiles(NamedTuple):
    """How a picture is cut.

    Attributes:
        weights: The model.
        tile: Side of the tiles, in pixels.
        overlap: Pixels that neighbors share.
    """

    weights: Path
    tile: int
    overlap: int

    def cut(self, size: tuple[int, int]) -> TileGrid:
        """The tiles of a picture of some height and width."""
        return TileGrid(size, self.tile, self.overlap)

    def load(self) -> OneFormerInferencer:
        """The model, on the CPU."""
        return OneFormerInferencer(weights=self.weights, device='cpu', show_progress=False)


class Cost(NamedTuple):
    """What it takes to predict a picture and to write everything.

    Attributes:
        model: Memory before: the program, the model and what is left of the prediction of one tile, in bytes.
        extra: Memory beyond that, at the peak, in bytes.
        seconds: CPU time.
    """

    model: int
    extra: int
    seconds: float


def cost_of(tiles: Tiles, image: Path, out_dir: Path) -> Cost:
    """Predict a picture, in a process that does nothing else."""
    seconds = []

    def make() -> Callable[[], None]:
        inferencer = tiles.load()
        inferencer(np.zeros((tiles.tile, tiles.tile, 3), np.uint8))
        return partial(work, inferencer)

    def work(inferencer: OneFormerInferencer) -> None:
        start = time.process_time()
        inferencer.save(image, out_dir, tile=tiles.tile, overlap=tiles.overlap)
        seconds.append(time.process_time() - start)

    memory = memory_of(make, runs=1)
    return Cost(memory.held, memory.extra, seconds[0])


def time_of_tiles(tiles: Tiles, side: int, rounds: int) -> tuple[int, Timing]:
    """The number of tiles of a square picture, and the CPU time of the picture and of its tiles, one by one."""
    inferencer, picture = tiles.load(), Mosaic((side, side), tiles.tile // 2, seed=0).draw()
    crops = [np.ascontiguousarray(picture[window.pixels]) for window in tiles.cut((side, side)).windows]

    def one_by_one() -> None:
        for crop in crops:
            inferencer(crop, channels='rgb')

    def together() -> None:
        inferencer(picture, channels='rgb', tile=tiles.tile, overlap=tiles.overlap)

    one_by_one()
    seconds = [(_cpu_seconds(together), _cpu_seconds(one_by_one)) for _ in range(rounds)]
    return len(crops), Timing(*map(list, zip(*seconds, strict=True)))


def _cpu_seconds(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
