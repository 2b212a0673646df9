"""Random images and annotations, the same for both sides of a comparison."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

Size = tuple[int, int]


@dataclass(frozen=True)
class Annotation:
    """Segments of an image.

    Attributes:
        id_map: Pixel value n + 1 belongs to segment n; there is no void; uint8 [H, W].
        labels: Class of each segment, ascending.
    """

    id_map: np.ndarray
    labels: list[int]


def draw_annotation(size: Size, count: int, *, num_classes: int, seed: int) -> Annotation:
    """Cut an image into cells around random points; their classes lie evenly among ``num_classes``.

    Args:
        size: Height and width.
        count: Segments, at most 255.
        num_classes: Classes of the data set.
        seed: Of the points.
    """
    return Annotation(_draw_cells(size, count, seed), [index * num_classes // count for index in range(count)])


@lru_cache(maxsize=32)  # drawing takes longer than some of the work that is measured on it
def _draw_cells(size: Size, count: int, seed: int) -> np.ndarray:
    height, width = size
    points = np.random.default_rng(seed).random((count, 2)) * size
    rows, columns = np.arange(height)[:, None], np.arange(width)
    nearest = np.zeros(size, np.uint8)
    least = np.full(size, np.inf)
    for index, (y, x) in enumerate(points, start=1):
        distance = (rows - y) ** 2 + (columns - x) ** 2
        closer = distance < least
        nearest[closer] = index
        least[closer] = distance[closer]
    return nearest


def draw_image(annotation: Annotation, *, seed: int) -> np.ndarray:
    """Give each segment a color, and some noise; uint8 [H, W, 3]."""
    generator = np.random.default_rng(seed)
    colors = generator.integers(30, 226, (len(annotation.labels) + 1, 3))
    noise = generator.integers(-30, 30, (*annotation.id_map.shape, 3))
    return (colors[annotation.id_map] + noise).astype(np.uint8)


def normalized_images(batch: int, size: Size, *, device: str = 'cpu') -> Tensor:
    """Images as a network gets them: padded and normalized, [B, 3, H, W]."""
    return _normalized_images(batch, size).to(device)


def byte_images(batch: int, size: Size) -> list[Tensor]:
    """Images as they are read, uint8 [3, H, W] each."""
    return list(_byte_images(batch, size))


@lru_cache(maxsize=4)
def _normalized_images(batch: int, size: Size) -> Tensor:
    stacked = torch.stack(_byte_images(batch, size))
    return ((stacked.float() - 127.5) / 60).contiguous()


@lru_cache(maxsize=4)
def _byte_images(batch: int, size: Size) -> tuple[Tensor, ...]:
    images = [draw_image(draw_annotation(size, 15, num_classes=15, seed=seed), seed=seed) for seed in range(batch)]
    return tuple(torch.from_numpy(image).permute(2, 0, 1).contiguous() for image in images)
