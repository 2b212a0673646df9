"""What each task writes in the coordinates of a raster: a map, and polygons with their class and score."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.rasters.polygons import outline_of_mask, outlines_of_map
from mmoneformer.tasks import TaskTable
from mmoneformer_deploy.result_dicts import NO_CLASS, ResultDict


class Feature(NamedTuple):
    """A segment with its outline.

    Attributes:
        outline: A ``shapely.MultiPolygon``.
        id: Value of its pixels in the map, or its number among the instances, from 1.
        label: Class index.
        class_name: Name of the class.
        score: 0 to 1; nan if the task has none.
    """

    outline: Any
    id: int
    label: int
    class_name: str
    score: float


class GeoResult(NamedTuple):
    """What is written of a task.

    Attributes:
        features: The segments of a result, given the classes and the transform from columns and rows to coordinates.
        map: Key of the map in the result; None if the task has none.
        nodata: Value of its pixels without data.
    """

    features: Callable[[ResultDict, Metainfo, Any], list[Feature]]
    map: str | None = None
    nodata: int = 0


def panoptic_features(result: ResultDict, metainfo: Metainfo, transform: Any) -> list[Feature]:
    """The segments of a panoptic result."""
    outlines = outlines_of_map(result['id_map'], transform)
    return [
        Feature(outlines[segment['id']], segment['id'], segment['label'], segment['class_name'], segment['score'])
        for segment in result['segments']
    ]


def instance_features(result: ResultDict, metainfo: Metainfo, transform: Any) -> list[Feature]:
    """The instances that have a pixel."""
    columns = zip(*(result[key] for key in ('masks', 'bboxes', 'labels', 'class_names', 'scores')), strict=True)
    return [
        Feature(outline_of_mask(mask, box, transform), number, label, name, score)
        for number, (mask, box, label, name, score) in enumerate(columns, start=1)
        if box[0] < box[2]
    ]


def semantic_features(result: ResultDict, metainfo: Metainfo, transform: Any) -> list[Feature]:
    """The classes of a label map."""
    outlines = outlines_of_map(result['label_map'] + np.uint8(1), transform)  # NO_CLASS becomes 0
    return [
        Feature(outline, number - 1, number - 1, metainfo['classes'][number - 1], float('nan'))
        for number, outline in outlines.items()
    ]


GEO_RESULTS = TaskTable[GeoResult](
    'mmoneformer.rasters.geo_results.GEO_RESULTS',
    {
        'panoptic': GeoResult(panoptic_features, 'id_map'),
        'instance': GeoResult(instance_features),
        'semantic': GeoResult(semantic_features, 'label_map', NO_CLASS),
    },
)
