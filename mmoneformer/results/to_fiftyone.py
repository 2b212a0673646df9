"""Results as labels of FiftyOne, which shows data sets and predictions and finds mistakes in them."""

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.results.segments import Segment, result_of, segments_of
from mmoneformer.tasks import TaskTable
from mmoneformer_deploy.result_dicts import ResultDict

if TYPE_CHECKING:
    from fiftyone import Detection, Detections, Segmentation


def to_fiftyone(results: ResultDict, task: str, metainfo: Metainfo) -> 'Detections | Segmentation':
    """Convert the result of a task.

    Args:
        results: The prediction for an image.
        task: Of which task.
        metainfo: The classes.

    Returns:
        ``Detections`` of the panoptic and the instance task, with masks; of the semantic task a ``Segmentation``,
        whose values are those of ``mask_targets``.

    Raises:
        ImportError: If FiftyOne is not installed.
        ValueError: If the results lack the task.
    """
    try:
        import fiftyone
    except ImportError as error:
        raise ImportError(f"fiftyone is not installed: pip install 'mmoneformer[fiftyone]' ({error})") from error

    return LABELS[task](fiftyone, results, task, metainfo)


def mask_targets(metainfo: Metainfo) -> dict[int, str]:
    """The names of the values of a ``Segmentation``: class indices plus 1, as FiftyOne hides 0, which is no class."""
    return dict(enumerate(metainfo['classes'], start=1))


def _detections(fiftyone: ModuleType, results: ResultDict, task: str, metainfo: Metainfo) -> 'Detections':
    found = [_detection(fiftyone, segment) for segment in segments_of(results, task, metainfo)]
    return fiftyone.Detections(detections=found)


def _detection(fiftyone: ModuleType, segment: Segment) -> 'Detection':
    """Its box is relative to the image, its mask is what lies inside."""
    height, width = segment.mask.shape
    left, top, right, bottom = map(int, segment.box)
    return fiftyone.Detection(
        label=segment.class_name,
        bounding_box=[left / width, top / height, (right - left) / width, (bottom - top) / height],
        mask=segment.mask[top:bottom, left:right],
        confidence=segment.score,
    )


def _segmentation(fiftyone: ModuleType, results: ResultDict, task: str, metainfo: Metainfo) -> 'Segmentation':
    label_map = result_of(results, task)['label_map']
    return fiftyone.Segmentation(mask=label_map + np.uint8(1))  # NO_CLASS becomes 0


LABELS = TaskTable[Callable[[ModuleType, ResultDict, str, Metainfo], 'Detections | Segmentation']](
    'mmoneformer.results.to_fiftyone.LABELS',
    {'panoptic': _detections, 'instance': _detections, 'semantic': _segmentation},
)
