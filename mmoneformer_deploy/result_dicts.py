"""Results as dicts of numbers, texts and maps, the same whatever predicted them.

H x W are the pixels of the original image; boxes are x1, y1, x2, y2 in pixels, x2 and y2 exclusive.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmoneformer_deploy.run_lengths import RunLengths

STRIP = 512  # rows that are examined together: temporary arrays stay small beside the map
NO_CLASS = 255  # in a label map: a pixel that does not count, such as one without data in a raster

ResultDict = dict[str, Any]
Classes = Mapping[str, Any]  # ``classes``: names; ``thing_ids``: the countable ones; ``palette``: RGB, 0 to 255


def panoptic_dict(id_map: np.ndarray, labels: Sequence[int], scores: Sequence[float], classes: Classes) -> ResultDict:
    """Describe a panoptic result.

    Args:
        id_map: n + 1 in segment n, 0 where there is no segment; int32 [H, W].
        labels: Class index of each of the segments, none of which is empty.
        scores: Score of each, 0 to 1.
        classes: The classes.

    Returns:
        ``id_map``, and ``segments``, a list of dicts of ``id``, ``label``, ``class_name``, ``is_thing``, ``area``
        (pixels), ``score`` and ``bbox``. The mask of a segment is ``id_map == id``.
    """
    areas, boxes = _extents(id_map, len(labels))
    columns = zip(labels, areas.tolist(), scores, boxes.tolist(), strict=True)
    segments = [
        {
            'id': number,
            'label': label,
            'class_name': classes['classes'][label],
            'is_thing': label in classes['thing_ids'],
            'area': area,
            'score': score,
            'bbox': box,
        }
        for number, (label, area, score, box) in enumerate(columns, start=1)
    ]
    return {'id_map': id_map, 'segments': segments}


def instance_dict(
    labels: Sequence[int],
    scores: Sequence[float],
    boxes: Sequence[Sequence[float]],
    masks: Sequence[RunLengths],
    classes: Classes,
) -> ResultDict:
    """Describe an instance result.

    Args:
        labels: Class index of each instance.
        scores: Score of each, 0 to 1, descending.
        boxes: Box of each; zeros for an empty mask.
        masks: Mask of each.
        classes: The classes.

    Returns:
        Lists: ``labels``, ``class_names``, ``scores``, ``bboxes``, ``masks``.
    """
    return {
        'labels': list(labels),
        'class_names': [classes['classes'][label] for label in labels],
        'scores': list(scores),
        'bboxes': [list(box) for box in boxes],
        'masks': list(masks),
    }


def semantic_dict(label_map: np.ndarray) -> ResultDict:
    """Describe a semantic result: ``label_map``, class indices or ``NO_CLASS``, uint8 [H, W]."""
    return {'label_map': label_map.astype(np.uint8, copy=False)}


def labels_in(label_map: np.ndarray) -> list[int]:
    """Return the class indices that occur in a label map, ascending; bincount is much faster than np.unique."""
    strips = (label_map[top : top + STRIP].ravel() for top in range(0, len(label_map), STRIP))
    found = np.zeros(NO_CLASS + 1, bool)
    for strip in strips:
        found |= np.bincount(strip, minlength=len(found)) > 0
    return np.flatnonzero(found[:NO_CLASS]).tolist()


def _extents(id_map: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Areas [N] and boxes [N, 4] of N segments, from the runs of equal ids in each row."""
    height, width = id_map.shape
    areas = np.zeros(count + 1, int)
    first, last = np.full((2, count + 1), max(height, width)), np.zeros((2, count + 1), int)
    for top in range(0, height, STRIP):
        ids, rows, columns, lengths = _runs(id_map[top : top + STRIP])
        areas += np.bincount(ids, lengths, minlength=count + 1).astype(int)
        np.minimum.at(first[0], ids, columns)
        np.minimum.at(first[1], ids, rows + top)
        np.maximum.at(last[0], ids, columns + lengths)
        np.maximum.at(last[1], ids, rows + top + 1)
    return areas[1:], np.concatenate([first, last]).T[1:]


def _runs(id_map: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Id, row, first column and length of each run of equal ids in a row."""
    begins = np.ones(id_map.shape, bool)
    np.not_equal(id_map[:, 1:], id_map[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)
    rows, columns = np.divmod(starts, id_map.shape[1])
    return id_map.ravel()[starts], rows, columns, np.diff(starts, append=id_map.size)
