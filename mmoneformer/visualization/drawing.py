"""The results of the three tasks as pictures.

All pictures are RGB, uint8 [H, W, 3]; small images are enlarged by a whole factor, so that names can be read.
"""

from collections.abc import Sequence

import numpy as np
from mmdet.structures import DetDataSample

from mmoneformer.visualization.painting import OPACITY, paint
from mmoneformer.visualization.regions import (
    SHOWN_SCORE,
    Classes,
    Regions,
    instance_regions,
    panoptic_regions,
    semantic_regions,
)


def draw_panoptic(
    image: np.ndarray, panoptic: np.ndarray, metainfo: Classes, *, opacity: float = OPACITY
) -> np.ndarray:
    """Draw a panoptic map; void stays as it is.

    Args:
        image: RGB, uint8 [H, W, 3].
        panoptic: [H, W]; things: label + 1000 * instance number, stuff: label, void: number of classes.
        metainfo: The classes.
        opacity: Of the colors, 0 to 1.

    Raises:
        ValueError: If image and map are of different sizes.
    """
    return paint(image, panoptic_regions(panoptic, metainfo), opacity)


def draw_instance(
    image: np.ndarray,
    masks: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
    metainfo: Classes,
    *,
    opacity: float = OPACITY,
) -> np.ndarray:
    """Draw the instances with a score of at least one half; where some overlap, the best is seen.

    Args:
        image: RGB, uint8 [H, W, 3].
        masks: bool [N, H, W].
        labels: Class indices, [N].
        scores: 0 to 1, [N].
        metainfo: The classes.
        opacity: Of the colors, 0 to 1.

    Raises:
        ValueError: If image and masks are of different sizes.
    """
    return paint(image, instance_regions(masks, labels, scores, metainfo), opacity)


def draw_semantic(
    image: np.ndarray, label_map: np.ndarray, metainfo: Classes, *, opacity: float = OPACITY
) -> np.ndarray:
    """Draw a label map; labels that are no class stay as they are.

    Args:
        image: RGB, uint8 [H, W, 3].
        label_map: Class indices, [H, W].
        metainfo: The classes.
        opacity: Of the colors, 0 to 1.

    Raises:
        ValueError: If image and map are of different sizes.
    """
    return paint(image, semantic_regions(label_map, metainfo), opacity)


def draw_results(
    image: np.ndarray, sample: DetDataSample, metainfo: Classes, tasks: Sequence[str], *, opacity: float = OPACITY
) -> dict[str, np.ndarray]:
    """Draw the results of a data sample.

    Args:
        image: RGB, uint8 [H, W, 3].
        sample: Holds the results of the tasks.
        metainfo: The classes.
        tasks: Which results to draw, in this order.
        opacity: Of the colors, 0 to 1.

    Returns:
        A picture for each task.
    """
    return {task: paint(image, result_regions(sample, task, metainfo), opacity) for task in tasks}


def result_regions(sample: DetDataSample, task: str, metainfo: Classes, *, min_score: float = SHOWN_SCORE) -> Regions:
    """Regions of one task's result in a data sample; instances below ``min_score`` are left out."""
    if task == 'panoptic':
        return panoptic_regions(sample.pred_panoptic_seg.sem_seg[0].cpu().numpy(), metainfo)
    if task == 'semantic':
        return semantic_regions(sample.pred_sem_seg.sem_seg[0].cpu().numpy(), metainfo)
    instances = sample.pred_instances.numpy()
    return instance_regions(instances.masks, instances.labels, instances.scores, metainfo, min_score=min_score)
