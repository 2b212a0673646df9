"""Regions: what is drawn of any task's result, an id map with the class, color and text of each id."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmdet.structures import DetDataSample

from mmoneformer.structures.panoptic_ids import panoptic_label
from mmoneformer.tasks import TaskTable
from mmoneformer_deploy.colors import Color, region_colors

SHOWN_SCORE = 0.5  # instances with a lower score are not drawn: many overlap better ones

Classes = Mapping[str, Any]  # at least the ``classes`` and ``palette`` of a Metainfo


class Regions(NamedTuple):
    """N regions of an image that do not overlap.

    Attributes:
        id_map: uint16 [H, W]; n + 1 in region n, 0 where there is no region.
        labels: Class index of each region.
        colors: RGB, 0 to 255, of each region.
        texts: Text to write on each region.
        scores: Score of each region, 0 to 1; None if the task has none.
    """

    id_map: np.ndarray
    labels: list[int]
    colors: list[Color]
    texts: list[str]
    scores: list[float] | None = None

    def areas(self) -> list[int]:
        """Number of pixels of each region."""
        return np.bincount(self.id_map.ravel(), minlength=len(self.labels) + 1)[1:].tolist()

    def resized(self, width: int, height: int) -> 'Regions':
        """Resize the id map, in pixels; the borders of regions are smoothed if it is enlarged."""
        id_map = cv2.resize(self.id_map, (width, height), interpolation=cv2.INTER_NEAREST)
        side = 2 * -(-width // self.id_map.shape[1]) + 1
        if 3 < side < 256 and len(self.labels) < 256:  # what medianBlur takes
            id_map = cv2.medianBlur(id_map.astype(np.uint8), side).astype(np.uint16)
        return self._replace(id_map=id_map)


def panoptic_regions(panoptic: np.ndarray, metainfo: Classes) -> Regions:
    """Regions of a panoptic map, in ascending order of their values.

    Args:
        panoptic: [H, W]; values of ``structures.panoptic_ids``; void is the number of classes.
        metainfo: The classes.
    """
    values = [value for value in _values(panoptic) if value != len(metainfo['classes'])]
    return _numbered(panoptic, values, [panoptic_label(value) for value in values], metainfo)


def semantic_regions(label_map: np.ndarray, metainfo: Classes) -> Regions:
    """Regions of a label map [H, W], one for each class; values that are not a class index are left out."""
    labels = [label for label in _values(label_map) if label < len(metainfo['classes'])]
    return _numbered(label_map, labels, labels, metainfo)


def annotated_regions(id_map: np.ndarray, segments: Sequence[Mapping[str, Any]], metainfo: Classes) -> Regions:
    """Regions of an annotation.

    Args:
        id_map: Segment ids, 0 where there is no segment, [H, W].
        segments: ``id`` and ``label`` of each segment.
        metainfo: The classes.
    """
    return _numbered(
        id_map, [segment['id'] for segment in segments], [segment['label'] for segment in segments], metainfo
    )


def instance_regions(
    masks: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
    metainfo: Classes,
    *,
    min_score: float = SHOWN_SCORE,
) -> Regions:
    """Regions of instances, sorted by score; where instances overlap, the one with the higher score is drawn.

    Args:
        masks: bool [N, H, W].
        labels: Class indices, [N].
        scores: 0 to 1, [N].
        metainfo: The classes.
        min_score: Instances with a lower score are left out.
    """
    shown = [int(index) for index in np.argsort(-scores, kind='stable') if scores[index] >= min_score]
    id_map = np.zeros(masks.shape[1:], np.uint16)
    for number, index in reversed(list(enumerate(shown, start=1))):
        id_map[masks[index]] = number
    regions = _colored(id_map, [int(labels[index]) for index in shown], metainfo)
    texts = [f'{text} {scores[index]:.0%}' for text, index in zip(regions.texts, shown, strict=True)]
    return regions._replace(texts=texts, scores=scores[shown].tolist())


def result_regions(sample: DetDataSample, task: str, metainfo: Classes, *, min_score: float = SHOWN_SCORE) -> Regions:
    """Regions of one task's result in a data sample; instances with a score below ``min_score`` are left out."""
    return RESULT_REGIONS[task].regions(sample, metainfo, min_score)


class ResultRegions(NamedTuple):
    """How the result of a task becomes regions.

    Attributes:
        field: Field of the data sample that holds the result.
        regions: Makes the regions, given the data sample, the classes and the lowest score that is drawn.
    """

    field: str
    regions: Callable[[DetDataSample, Classes, float], Regions]


def _panoptic_result(sample: DetDataSample, metainfo: Classes, min_score: float) -> Regions:
    regions = panoptic_regions(sample.pred_panoptic_seg.sem_seg[0].cpu().numpy(), metainfo)
    scores = sample.pred_segments.scores.tolist() if 'pred_segments' in sample else None
    return regions._replace(scores=scores)


def _instance_result(sample: DetDataSample, metainfo: Classes, min_score: float) -> Regions:
    instances = sample.pred_instances.numpy()
    return instance_regions(instances.masks, instances.labels, instances.scores, metainfo, min_score=min_score)


def _semantic_result(sample: DetDataSample, metainfo: Classes, min_score: float) -> Regions:
    return semantic_regions(sample.pred_sem_seg.sem_seg[0].cpu().numpy(), metainfo)


RESULT_REGIONS = TaskTable(
    'mmoneformer.visualization.regions.RESULT_REGIONS',
    {
        'panoptic': ResultRegions('pred_panoptic_seg', _panoptic_result),
        'instance': ResultRegions('pred_instances', _instance_result),
        'semantic': ResultRegions('pred_sem_seg', _semantic_result),
    },
)


def palette_of(metainfo: Classes) -> list[Color]:
    """The RGB colors of the classes, where mmdet's inference functions may have set the name of a palette."""
    palette = metainfo['palette']
    if isinstance(palette, str):
        from mmdet.visualization.palette import get_palette

        palette = get_palette(palette, len(metainfo['classes']))
    return [(int(red), int(green), int(blue)) for red, green, blue in palette]


def _values(integers: np.ndarray) -> list[int]:
    """Values that occur in a map, ascending; bincount is much faster than np.unique."""
    return np.flatnonzero(np.bincount(integers.ravel())).tolist()


def _numbered(value_map: np.ndarray, values: Sequence[int], labels: Sequence[int], metainfo: Classes) -> Regions:
    """Regions of a map in which each of the given values is a region."""
    number_of = np.zeros(max(int(value_map.max()), *values, 0) + 1, np.uint16)
    number_of[list(values)] = np.arange(1, len(values) + 1)
    return _colored(number_of[value_map], labels, metainfo)


def _colored(id_map: np.ndarray, labels: Sequence[int], metainfo: Classes) -> Regions:
    """Color regions: the first of a class by the palette, the others by shades of that color."""
    colors = region_colors(labels, palette_of(metainfo))
    return Regions(id_map, list(labels), colors, [metainfo['classes'][label] for label in labels])
