"""Whether an exported file answers as the model does."""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from statistics import fmean
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import default_rng
from torch import Tensor

from mmoneformer.datasets.shapes.scene import draw_scene
from mmoneformer.models import OneFormer
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.post_process import Thresholds, panoptic_map
from mmoneformer_deploy.runtimes import Network

CLOSE = 0.75  # of the images and tasks: if one size, batch, task or place in the batch is wrong, fewer are right
SIZES = ((256, 256), (192, 320))  # height and width of the images


class Comparison(NamedTuple):
    """A file and the model it was exported from, given the same images.

    Attributes:
        size: Height and width of the images.
        batch: Number of images.
        tasks: Number of tasks.
        differences: Largest difference of two logits, of each image and task.
        magnitude: Largest logit of the model.
        equal: Share of pixels with the same panoptic segment, 0 to 1.
    """

    size: tuple[int, int]
    batch: int
    tasks: int
    differences: tuple[float, ...]
    magnitude: float
    equal: float

    def __str__(self) -> str:
        height, width = self.size
        return (
            f'{height} x {width} pixels, batch of {self.batch}, {self.tasks} task{"s" if self.tasks > 1 else ""}: '
            f'logits differ by at most {max(self.differences):.1e} of {self.magnitude:.1f}, '
            f'{self.equal:.2%} of panoptic pixels are equal'
        )


class Tolerance(NamedTuple):
    """What is accepted.

    Attributes:
        difference: Greatest difference of the logits of most images and tasks, relative to the largest logit, or to 1
            if that is smaller.
        equal: Least share of equal pixels, 0 to 1.
    """

    difference: float
    equal: float

    def accepts(self, comparisons: Sequence[Comparison]) -> bool:
        """Whether comparisons are within the tolerance.

        Not all logits must be: where one is zero but for rounding, a query looks at another pixel in the next layer,
        and all logits of that task of the image differ.
        """
        within = [
            difference <= self.difference * max(1.0, comparison.magnitude)
            for comparison in comparisons
            for difference in comparison.differences
        ]
        equal = fmean(comparison.equal for comparison in comparisons)
        return fmean(within) >= CLOSE and equal >= self.equal


TOLERANCES = {  # of each precision
    'float32': Tolerance(difference=1e-3, equal=0.999),
    'float16': Tolerance(difference=2e-2, equal=0.99),
    'int8': Tolerance(difference=math.inf, equal=0.9),
}


@torch.no_grad()
def compare(file: Network, model: OneFormer) -> Iterator[Comparison]:
    """Run a file and its model side by side, for two sizes, one and two images, and one and all tasks.

    Args:
        file: The exported file.
        model: The model, on the CPU.
    """
    names = file.description.tasks
    for size, batch, tasks in product(SIZES, (1, 2), (names[:1], names)):
        images = scene_images(size, batch)
        expected = predict(model, images, tasks)
        found = [torch.from_numpy(part) for part in file(images.numpy(), np.arange(len(tasks)))]
        differences = [(a - b).abs().flatten(2).amax(2) for a, b in zip(found, expected, strict=True)]  # [B, T] each
        largest = tuple(torch.stack(differences).amax(0).flatten().tolist())
        magnitude = max(part.abs().max().item() for part in expected)
        equal = _panoptic_maps(model, size, *found) == _panoptic_maps(model, size, *expected)
        yield Comparison(size, batch, len(tasks), largest, magnitude, equal.float().mean().item())


def scene_images(size: tuple[int, int], batch: int) -> Tensor:
    """Images of shapes, RGB, 0 to 255, float32 [B, 3, H, W]."""
    height, width = size
    scenes = [draw_scene(default_rng(seed), max(size)).image[:height, :width] for seed in range(batch)]
    images = torch.from_numpy(np.stack(scenes)).permute(0, 3, 1, 2)
    return images.clamp(0, 255).round().float().contiguous()


def predict(model: OneFormer, images: Tensor, tasks: Sequence[str]) -> list[Tensor]:
    """Class and mask logits of the model, with its own normalization."""
    inputs = model.data_preprocessor({'inputs': list(images.flip(1)), 'data_samples': None})['inputs']
    predictions = model(inputs, mode='tensor', tasks=tasks)
    return [torch.stack(parts, dim=1) for parts in zip(*predictions.values(), strict=True)]


def _panoptic_maps(model: OneFormer, size: tuple[int, int], class_logits: Tensor, mask_logits: Tensor) -> Tensor:
    """Panoptic segments by the logits of the first task, int64 [B, H, W]."""
    thresholds = Thresholds(model.test_cfg.object_mask_thr, model.test_cfg.overlap_thr)
    geometry = MaskGeometry(size, size, size)
    maps = [
        panoptic_map(classes, masks, geometry, is_thing=model.is_thing, thresholds=thresholds).pixels
        for classes, masks in zip(class_logits[:, 0], mask_logits[:, 0], strict=True)
    ]
    return torch.stack(maps)
