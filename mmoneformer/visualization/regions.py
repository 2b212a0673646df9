"""Regions of results, annotations and maps: what is drawn of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmoneformer.metainfo import palette_of
from mmoneformer.structures.panoptic_ids import panoptic_label
from mmoneformer.tasks import TaskTable
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_deploy.run_lengths import encode_edges, find_edges
from mmoneformer_drawing.regions import (
    REGIONS,
    SHOWN_SCORE,
    Regions,
    ResultRegions,
    Size,
    label_regions,
    map_values,
    mask_regions,
    numbered_regions,
)

Classes = Mapping[str, Any]  # at least the ``classes`` and ``palette`` of a Metainfo

RESULT_REGIONS = TaskTable[ResultRegions]('mmoneformer.visualization.regions.RESULT_REGIONS', REGIONS)


def result_regions(
    results: ResultDict, task: str, size: Size, metainfo: Classes, *, min_score: float = SHOWN_SCORE
) -> Regions:
    """Regions of a task's result.

    Args:
        results: Results by task, see ``as_dict``.
        task: Name of the task.
        size: Height and width of the image.
        metainfo: The classes.
        min_score: Instances with a lower score are left out.
    """
    return RESULT_REGIONS[task](results[task], size, with_colors(metainfo), min_score)


def annotated_regions(id_map: np.ndarray, segments: Sequence[Mapping[str, Any]], metainfo: Classes) -> Regions:
    """Regions of an annotation.

    Args:
        id_map: Segment ids, 0 where there is no segment, [H, W].
        segments: ``id`` and ``label`` of each segment.
        metainfo: The classes.
    """
    ids, labels = ([segment[key] for segment in segments] for key in ('id', 'label'))
    return numbered_regions(id_map, ids, labels, with_colors(metainfo))


def panoptic_regions(panoptic: np.ndarray, metainfo: Classes) -> Regions:
    """Regions of a panoptic map, in ascending order of their values.

    Args:
        panoptic: [H, W]; values of ``structures.panoptic_ids``; void is the number of classes.
        metainfo: The classes.
    """
    values = [value for value in map_values(panoptic) if value != len(metainfo['classes'])]
    return numbered_regions(panoptic, values, [panoptic_label(value) for value in values], with_colors(metainfo))


def semantic_regions(label_map: np.ndarray, metainfo: Classes) -> Regions:
    """Regions of a label map [H, W], one for each class; values that are not a class index are left out."""
    return label_regions(label_map, with_colors(metainfo))


def instance_regions(masks: np.ndarray, labels: np.ndarray, scores: np.ndarray, metainfo: Classes) -> Regions:
    """Regions of instances, sorted by score; those with a score below 0.5 are left out.

    Args:
        masks: bool [N, H, W].
        labels: Class indices, [N].
        scores: 0 to 1, [N].
        metainfo: The classes.
    """
    size = (masks.shape[1], masks.shape[2])
    encoded = [encode_edges(find_edges(mask.T), size) for mask in masks]
    return mask_regions(encoded, labels.tolist(), scores.tolist(), size, with_colors(metainfo))


def with_colors(metainfo: Classes) -> dict[str, Any]:
    """The classes, with their colors where there is the name of a palette."""
    return {**metainfo, 'palette': palette_of(metainfo)}
