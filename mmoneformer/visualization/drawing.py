"""Drawings of results: translucent colors, contours and names on the image.

All images are RGB, uint8 [H, W, 3]; small ones are enlarged by an integer factor, so that names are legible.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from mmoneformer.visualization.regions import (
    RESULT_REGIONS,
    Classes,
    instance_regions,
    panoptic_regions,
    result_regions,
    semantic_regions,
    with_colors,
)
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_drawing import sheet
from mmoneformer_drawing.painting import OPACITY, paint


def draw_panoptic(
    image: np.ndarray, panoptic: np.ndarray, metainfo: Classes, *, opacity: float = OPACITY
) -> np.ndarray:
    """Draw a panoptic map; void is left as it is.

    Args:
        image: RGB, uint8 [H, W, 3].
        panoptic: [H, W]; values of ``structures.panoptic_ids``; void is the number of classes.
        metainfo: The classes.
        opacity: Opacity of the colors, 0 to 1.

    Raises:
        ValueError: If image and map differ in size.
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
    """Draw the instances with a score of at least 0.5, those with a higher score on top.

    Args:
        image: RGB, uint8 [H, W, 3].
        masks: bool [N, H, W].
        labels: Class indices, [N].
        scores: 0 to 1, [N].
        metainfo: The classes.
        opacity: Opacity of the colors, 0 to 1.

    Raises:
        ValueError: If image and masks differ in size.
    """
    return paint(image, instance_regions(masks, labels, scores, metainfo), opacity)


def draw_semantic(
    image: np.ndarray, label_map: np.ndarray, metainfo: Classes, *, opacity: float = OPACITY
) -> np.ndarray:
    """Draw a label map; pixels whose value is not a class index are left as they are.

    Args:
        image: RGB, uint8 [H, W, 3].
        label_map: Class indices, [H, W].
        metainfo: The classes.
        opacity: Opacity of the colors, 0 to 1.

    Raises:
        ValueError: If image and map differ in size.
    """
    return paint(image, semantic_regions(label_map, metainfo), opacity)


def draw_results(
    image: np.ndarray, results: ResultDict, metainfo: Classes, *, opacity: float = OPACITY
) -> dict[str, np.ndarray]:
    """Draw the results of an image.

    Args:
        image: RGB, uint8 [H, W, 3].
        results: Results by task, see ``as_dict``.
        metainfo: The classes.
        opacity: Opacity of the colors, 0 to 1.

    Returns:
        A drawing by task, in the order of ``results``.
    """
    size = (image.shape[0], image.shape[1])
    return {task: paint(image, result_regions(results, task, size, metainfo), opacity) for task in results}


def draw_sheet(image: np.ndarray, results: ResultDict, metainfo: Classes, *, opacity: float = OPACITY) -> np.ndarray:
    """Draw an image and its results side by side, with legends; arguments as in ``draw_results``."""
    return sheet_drawer(metainfo, list(results))(image, results, opacity=opacity)


def sheet_drawer(metainfo: Classes, tasks: Sequence[str]) -> Callable[..., np.ndarray]:
    """A function that draws the sheet of an image, given the image and its results; other processes can load it."""
    regions = {task: RESULT_REGIONS[task] for task in tasks}
    return partial(sheet.draw_sheet, classes=with_colors(metainfo), regions=regions)
