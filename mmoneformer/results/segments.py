"""Results of any task as segments, one by one: what the formats of other packages are made from."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.tasks import TaskTable
from mmoneformer_deploy.result_dicts import ResultDict, labels_in
from mmoneformer_deploy.run_lengths import decode_mask

Box = tuple[float, float, float, float]


class Segment(NamedTuple):
    """A segment of an image: an instance, a panoptic segment, or all pixels of a class.

    Attributes:
        label: Class index.
        class_name: Name of the class.
        mask: bool [H, W], of the size of the original image.
        box: x1, y1, x2, y2 in pixels, x2 and y2 exclusive.
        score: 0 to 1; None if the task has none.
    """

    label: int
    class_name: str
    mask: np.ndarray
    box: Box
    score: float | None


def segments_of(results: ResultDict, task: str, metainfo: Metainfo) -> Iterator[Segment]:
    """Yield the segments of an image.

    Args:
        results: The prediction of ``OneFormerInferencer`` or ``mmoneformer_deploy.Session`` for an image.
        task: Of which task.
        metainfo: The classes.

    Raises:
        ValueError: If the results lack the task.
    """
    yield from SEGMENTS[task](result_of(results, task), metainfo)


def result_of(results: ResultDict, task: str) -> ResultDict:
    """Return the result of a task.

    Raises:
        ValueError: If the results lack it.
    """
    if task not in results:
        raise ValueError(
            f'the results have no task {task!r}, only {list(results)}: predict it, or convert one of these'
        )
    return results[task]


def _of_panoptic(result: ResultDict, metainfo: Metainfo) -> Iterator[Segment]:
    for segment in result['segments']:
        mask = result['id_map'] == segment['id']
        yield Segment(segment['label'], segment['class_name'], mask, tuple(segment['bbox']), segment['score'])


def _of_instances(result: ResultDict, metainfo: Metainfo) -> Iterator[Segment]:
    columns = (result[key] for key in ('labels', 'class_names', 'masks', 'bboxes', 'scores'))
    for label, name, mask, box, score in zip(*columns, strict=True):
        yield Segment(label, name, decode_mask(mask), tuple(box), score)


def _of_label_map(result: ResultDict, metainfo: Metainfo) -> Iterator[Segment]:
    label_map = result['label_map']
    for label in labels_in(label_map):
        mask = label_map == label
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
        yield Segment(label, metainfo['classes'][label], mask, box, None)


SEGMENTS = TaskTable[Callable[[ResultDict, Metainfo], Iterator[Segment]]](
    'mmoneformer.results.segments.SEGMENTS',
    {'panoptic': _of_panoptic, 'instance': _of_instances, 'semantic': _of_label_map},
)
