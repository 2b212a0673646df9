"""Results as dicts of numbers, texts and label maps, for those who do not speak of data samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmdet.structures import DetDataSample
from scipy.ndimage import find_objects

from mmoneformer.evaluation.run_lengths import encode_masks
from mmoneformer.metainfo import Metainfo
from mmoneformer.structures.panoptic_ids import panoptic_instance, panoptic_label

Plain = dict[str, Any]


def to_plain(sample: DetDataSample, metainfo: Metainfo, tasks: Sequence[str]) -> Plain:
    """Turn the results of a data sample into a dict.

    Args:
        sample: Holds the results of the tasks.
        metainfo: The classes.
        tasks: Which results to give.

    Returns:
        Some of these, H x W pixels of the original image; boxes are x1, y1, x2, y2 in pixels, the last two exclusive:

        - ``panoptic``: ``id_map``, int32 [H, W], 0 where there is no segment; ``segments``, a list of dicts of ``id``,
          ``label`` (class index), ``class_name``, ``is_thing``, ``area`` (pixels), ``score`` (0 to 1), ``bbox``. Where
          the map is equal to the id is the mask of a segment.
        - ``instance``: lists, the best instance first: ``labels``, ``class_names``, ``scores`` (0 to 1), ``bboxes``,
          ``masks`` (COCO's compressed RLE).
        - ``semantic``: ``label_map``, uint8 [H, W], class indices.
    """
    plain: Plain = {}
    for task in tasks:
        if task == 'panoptic':
            plain[task] = _panoptic(sample.cpu(), metainfo)
        elif task == 'instance':
            plain[task] = _instances(sample.pred_instances, metainfo)
        else:
            plain[task] = {'label_map': sample.pred_sem_seg.sem_seg[0].cpu().numpy().astype(np.uint8)}
    return plain


def _panoptic(sample: DetDataSample, metainfo: Metainfo) -> Plain:
    """Number the segments from 1 in the order of their values; void is 0."""
    panoptic = sample.pred_panoptic_seg.sem_seg[0].numpy()
    values, scores = sample.pred_segments.ids.numpy(), sample.pred_segments.scores.tolist()
    number = np.zeros(int(panoptic.max()) + 1, np.int32)
    number[values] = np.arange(1, len(values) + 1)
    id_map = number[panoptic]
    areas = np.bincount(id_map.ravel(), minlength=len(values) + 1)
    boxes = find_objects(id_map, max_label=len(values))
    segments = [
        {
            'id': index,
            'label': panoptic_label(value),
            'class_name': metainfo['classes'][panoptic_label(value)],
            'is_thing': panoptic_instance(value) > 0,
            'area': int(areas[index]),
            'score': score,
            'bbox': [columns.start, rows.start, columns.stop, rows.stop],
        }
        for index, (value, score, (rows, columns)) in enumerate(
            zip(values.tolist(), scores, boxes, strict=True), start=1
        )
    ]
    return {'id_map': id_map, 'segments': segments}


def _instances(instances: Any, metainfo: Metainfo) -> Plain:
    labels = instances.labels.tolist()
    return {
        'labels': labels,
        'class_names': [metainfo['classes'][label] for label in labels],
        'scores': instances.scores.tolist(),
        'bboxes': instances.bboxes.tolist(),
        'masks': [mask | {'counts': mask['counts'].decode()} for mask in encode_masks(instances.masks)],
    }
