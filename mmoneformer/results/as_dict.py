"""Results as dicts of numbers, texts and label maps, for users who do not work with data samples."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from mmdet.structures import DetDataSample
from torch import Tensor

from mmoneformer.metainfo import Metainfo
from mmoneformer.models.masks.boxes import mask_boxes
from mmoneformer.structures.panoptic_ids import panoptic_label
from mmoneformer.tasks import TASKS, TaskTable
from mmoneformer_deploy.result_dicts import ResultDict, instance_dict, panoptic_dict, semantic_dict
from mmoneformer_deploy.run_lengths import RunLengths, edges_of_part, encode_edges


def as_dict(sample: DetDataSample, metainfo: Metainfo, tasks: Sequence[str]) -> ResultDict:
    """Convert the results of a data sample to a dict.

    Args:
        sample: Holds the results of the tasks.
        metainfo: Class names and things.
        tasks: Names of the tasks to convert.

    Returns:
        An entry for each task. H and W are those of the original image; boxes are x1, y1, x2, y2 in pixels, x2 and
        y2 exclusive.

        - ``panoptic``: ``id_map``, int32 [H, W], 0 where there is no segment; ``segments``, a list of dicts of ``id``,
          ``label`` (class index), ``class_name``, ``is_thing``, ``area`` (pixels), ``score`` (0 to 1; None if the
          sample has none), ``bbox``. The mask of a segment is ``id_map == id``.
        - ``instance``: lists, sorted by score: ``labels``, ``class_names``, ``scores`` (0 to 1), ``bboxes``, ``masks``
          (COCO's compressed RLE).
        - ``semantic``: ``label_map``, uint8 [H, W], class indices.
    """
    return {task: AS_DICT[task].convert(sample, metainfo) for task in tasks}


def tasks_of(sample: DetDataSample) -> list[str]:
    """Names of the tasks whose results a data sample holds."""
    return [task for task in TASKS if AS_DICT[task].field in sample]


def panoptic_as_dict(sample: DetDataSample, metainfo: Metainfo) -> ResultDict:
    """Convert a panoptic result; segments are numbered from 1 in ascending order of their values."""
    panoptic = sample.pred_panoptic_seg.sem_seg[0].cpu().numpy()
    if 'pred_segments' in sample:
        values, scores = sample.pred_segments.ids.cpu().numpy(), sample.pred_segments.scores.tolist()
    else:  # of another model
        values = np.setdiff1d(panoptic, len(metainfo['classes']))
        scores = [None] * len(values)
    number = np.zeros(int(panoptic.max()) + 1, np.int32)
    number[values] = np.arange(1, len(values) + 1)
    id_map = number[panoptic]
    return panoptic_dict(id_map, panoptic_label(values).tolist(), scores, metainfo)


def instances_as_dict(sample: DetDataSample, metainfo: Metainfo) -> ResultDict:
    """Convert an instance result."""
    instances = sample.pred_instances
    labels, scores, boxes = (instances[key].tolist() for key in ('labels', 'scores', 'bboxes'))
    return instance_dict(labels, scores, boxes, encode_masks(instances.masks), metainfo)


def encode_masks(masks: Tensor) -> list[RunLengths]:
    """Encode masks, bool [N, H, W], of which the pixels inside their boxes alone are visited."""
    size = (masks.shape[1], masks.shape[2])
    encoded = []
    for mask, box in zip(masks.cpu().numpy(), mask_boxes(masks).int().tolist(), strict=True):
        left, top, right, bottom = box
        edges = edges_of_part(mask[top:bottom, left:right].T, top, left, size[0])
        encoded.append(encode_edges(edges, size))
    return encoded


def label_map_as_dict(sample: DetDataSample, metainfo: Metainfo) -> ResultDict:
    """Convert a semantic result."""
    return semantic_dict(sample.pred_sem_seg.sem_seg[0].cpu().numpy())


class SampleResult(NamedTuple):
    """The result of a task in a data sample.

    Attributes:
        field: Field of the data sample that holds it.
        convert: Makes the dict, given the data sample and the classes.
    """

    field: str
    convert: Callable[[DetDataSample, Metainfo], ResultDict]


AS_DICT = TaskTable(
    'mmoneformer.results.as_dict.AS_DICT',
    {
        'panoptic': SampleResult('pred_panoptic_seg', panoptic_as_dict),
        'instance': SampleResult('pred_instances', instances_as_dict),
        'semantic': SampleResult('pred_sem_seg', label_map_as_dict),
    },
)
