"""What the page shows of one task's result."""

from typing import NamedTuple

import cv2
import numpy as np
from mmdet.structures import DetDataSample

from mmoneformer.visualization.drawing import result_regions
from mmoneformer.visualization.painting import paint
from mmoneformer.visualization.regions import Classes, Color

LONGEST_SIDE = 1280  # of the pictures that travel to the browser, in pixels


class Segment(NamedTuple):
    """A segment, as the page speaks of it.

    Attributes:
        name: Of its class.
        color: RGB, 0 to 255.
        share: Of the image's pixels, 0 to 1.
        score: 0 to 1; None where the task gives none.
    """

    name: str
    color: Color
    share: float
    score: float | None


class TaskView(NamedTuple):
    """Pictures and segments of a task's result.

    The two pictures are the ends of the opacity's scale: every picture between is their weighted sum.

    Attributes:
        task: Its name.
        clear: The image with contours and names, RGB, uint8 [H', W', 3].
        filled: The same with opaque colors.
        id_map: Pixel value n + 1 belongs to segment n, 0 to none; uint16 [H, W].
        segments: The segments.
    """

    task: str
    clear: np.ndarray
    filled: np.ndarray
    id_map: np.ndarray
    segments: list[Segment]


def view_task(image: np.ndarray, sample: DetDataSample, task: str, metainfo: Classes) -> TaskView:
    """Draw the result of a task.

    Args:
        image: RGB, uint8 [H, W, 3].
        sample: Holds the results of the task.
        task: Its name.
        metainfo: The classes.
    """
    regions = result_regions(sample, task, metainfo)
    names = [metainfo['classes'][label] for label in regions.labels]
    shares = [area / regions.id_map.size for area in regions.areas()]
    scores = _scores(sample, task, len(names))
    segments = [Segment(*row) for row in zip(names, regions.colors, shares, scores, strict=True)]
    image = _shrink(image)
    regions = regions.resized(image.shape[1], image.shape[0])
    return TaskView(task, paint(image, regions, 0), paint(image, regions, 1), regions.id_map, segments)


def _scores(sample: DetDataSample, task: str, count: int) -> list[float] | list[None]:
    """Scores of the regions that ``result_regions`` gives, in its order."""
    if task == 'panoptic':
        return sample.pred_segments.scores.tolist()
    if task == 'instance':
        return sorted(sample.pred_instances.scores.tolist(), reverse=True)[:count]
    return [None] * count


def _shrink(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    scale = LONGEST_SIDE / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
