"""Results as labels of YOLO's segmentation format: an object is a class index and one polygon.

A polygon has neither parts nor holes. So parts are joined by a line to the nearest part and back, and holes are cut
out from the nearest border in the same way. Drawn with ``cv2.fillPoly``, as readers of the format do, the mask is the
same but for the pixels on these lines. Scores are lost.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.results.segments import segments_of
from mmoneformer_deploy.atomic_files import write_bytes
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_drawing.regions import SHOWN_SCORE

DECIMALS = 6
LEAST_VERTICES = 3
OFFSET = 0.25  # of a pixel: readers that round and readers that cut the coordinates find the pixel


def to_yolo(results: ResultDict, task: str, metainfo: Metainfo, *, min_score: float = SHOWN_SCORE) -> str:
    """Convert the result of a task to the content of a label file.

    Args:
        results: The prediction for an image.
        task: Of which task; each segment is a line.
        metainfo: The classes.
        min_score: Segments with a lower score are left out, as the format has no scores.

    Returns:
        Lines of the class index and the vertices, x and y relative to width and height of the image.

    Raises:
        ValueError: If the results lack the task.
    """
    lines = []
    for segment in segments_of(results, task, metainfo):
        if segment.mask.any() and (segment.score is None or segment.score >= min_score):
            height, width = segment.mask.shape
            vertices = (joined_outline(segment.mask) + OFFSET) / (width, height)
            numbers = ' '.join(f'{number:.{DECIMALS}f}' for number in vertices.ravel())
            lines.append(f'{segment.label} {numbers}\n')
    return ''.join(lines)


def write_yolo(
    folder: str | os.PathLike[str],
    predictions: Mapping[str, ResultDict],
    task: str,
    metainfo: Metainfo,
    *,
    min_score: float = SHOWN_SCORE,
) -> None:
    """Write a label file for each image, and ``data.yaml`` with the names of the classes.

    Args:
        folder: Gets ``data.yaml``, and ``labels/<stem>.txt`` for each image.
        predictions: The prediction for each image, by the stem of its file name.
        task: As in ``to_yolo``.
        metainfo: As in ``to_yolo``.
        min_score: As in ``to_yolo``.

    Raises:
        OSError: If a file cannot be written.
        ValueError: If results lack the task.
    """
    folder = Path(folder)
    for stem, results in predictions.items():
        lines = to_yolo(results, task, metainfo, min_score=min_score)
        write_bytes(folder / 'labels' / f'{stem}.txt', lines.encode())
    names = json.dumps(list(metainfo['classes']))  # which is YAML, too
    write_bytes(folder / 'data.yaml', f'nc: {len(metainfo["classes"])}\nnames: {names}\n'.encode())


def joined_outline(mask: np.ndarray) -> np.ndarray:
    """Outline a mask by one polygon.

    Args:
        mask: bool [H, W], not empty.

    Returns:
        x and y of the pixels at its vertices, at least three, int [V, 2].
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outline, *others = sorted((contour[:, 0] for contour in contours), key=len, reverse=True)
    for other in others:
        outline = _join(outline, other)
    return np.resize(outline, (max(len(outline), LEAST_VERTICES), 2))


def _join(outline: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Insert another outline where the two are nearest, and go back to that vertex."""
    from scipy.spatial.distance import cdist  # here: only masks of several outlines need it

    distances = cdist(outline, other)
    here, there = np.unravel_index(distances.argmin(), distances.shape)
    detour = np.roll(other, -there, axis=0)
    return np.concatenate([outline[: here + 1], detour, detour[:1], outline[here:]])
