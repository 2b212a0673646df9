"""Results as dicts of numbers, texts and label maps, for those who do not speak of data samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmdet.structures import DetDataSample
from pycocotools import mask as coco_mask

from mmoneformer.metainfo import Metainfo
from mmoneformer.models.post_process import INSTANCE_OFFSET

Plain = dict[str, Any]


def to_plain(sample: DetDataSample, metainfo: Metainfo, tasks: Sequence[str]) -> Plain:
    """Turn the results of a data sample into a dict.

    Args:
        sample: Holds the results of the tasks.
        metainfo: The classes.
        tasks: Which results to give.

    Returns:
        Some of these, H x W pixels of the original image:

        - ``panoptic``: ``id_map``, int32 [H, W], 0 where there is no segment; ``segments``, a list of dicts of ``id``,
          ``label`` (class index), ``class_name``, ``is_thing``, ``area`` (pixels).
        - ``instance``: lists, the best instance first: ``labels``, ``class_names``, ``scores`` (0 to 1), ``bboxes``
          (x1, y1, x2, y2 in pixels), ``masks`` (COCO's compressed RLE).
        - ``semantic``: ``label_map``, uint8 [H, W], class indices.
    """
    plain: Plain = {}
    for task in tasks:
        if task == 'panoptic':
            plain[task] = _panoptic(sample.pred_panoptic_seg.sem_seg[0].cpu().numpy(), metainfo)
        elif task == 'instance':
            plain[task] = _instances(sample.pred_instances.numpy(), metainfo)
        else:
            plain[task] = {'label_map': sample.pred_sem_seg.sem_seg[0].cpu().numpy().astype(np.uint8)}
    return plain


def _panoptic(panoptic: np.ndarray, metainfo: Metainfo) -> Plain:
    """Number the segments from 1; void is 0."""
    values, inverse, areas = np.unique(panoptic, return_inverse=True, return_counts=True)
    is_segment = values != len(metainfo['classes'])
    ids = np.cumsum(is_segment) * is_segment
    segments = [
        {
            'id': int(ids[index]),
            'label': int(values[index] % INSTANCE_OFFSET),
            'class_name': metainfo['classes'][values[index] % INSTANCE_OFFSET],
            'is_thing': bool(values[index] >= INSTANCE_OFFSET),
            'area': int(areas[index]),
        }
        for index in np.flatnonzero(is_segment)
    ]
    return {'id_map': ids[inverse].reshape(panoptic.shape).astype(np.int32), 'segments': segments}


def _instances(instances: Any, metainfo: Metainfo) -> Plain:
    masks = coco_mask.encode(np.asfortranarray(instances.masks.transpose(1, 2, 0), np.uint8))
    return {
        'labels': instances.labels.tolist(),
        'class_names': [metainfo['classes'][label] for label in instances.labels],
        'scores': instances.scores.tolist(),
        'bboxes': instances.bboxes.tolist(),
        'masks': [{'size': mask['size'], 'counts': mask['counts'].decode()} for mask in masks],
    }
