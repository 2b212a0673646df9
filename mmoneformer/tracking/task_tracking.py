"""What tracking does for each task: which segments of a result it follows, and where their ids are written.

Ids from 1 to K, the number of classes, are those of classes, label + 1: of stuff, and of all segments of a class where
a task does not tell them apart. Things have ids above K.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from mmdet.structures import DetDataSample

from mmoneformer.tasks import TaskTable
from mmoneformer.tracking.tracker import Observed, Tracker
from mmoneformer_deploy.result_dicts import NO_CLASS, Classes, ResultDict, labels_in, panoptic_dict
from mmoneformer_deploy.run_lengths import RunLengths, encode_edges, find_edges, mask_area

GRID = 64  # points along a side, on which masks are compared
LEAST_SCORE = 0.5  # of an instance that is tracked: many others overlap better ones
UNTRACKED = 0  # id of the others


class FilmObject(NamedTuple):
    """A segment or an instance in a frame.

    Attributes:
        id: Names one object throughout the film.
        label: Class index.
        score: 0 to 1; None if the task has none.
        bbox: x1, y1, x2, y2 in pixels, the last two exclusive.
        area: Pixels.
        mask: Returns its mask.
    """

    id: int
    label: int
    score: float | None
    bbox: list[float]
    area: int
    mask: Callable[[], RunLengths]


class TaskTracking(NamedTuple):
    """How the result of a task is tracked.

    Attributes:
        with_ids: Returns a result with the ids of a tracker, given the result as a dict and the sample that it is
            from, with queries.
        objects: Lists what a result with ids has.
    """

    with_ids: Callable[[ResultDict, DetDataSample, Tracker], ResultDict]
    objects: Callable[[ResultDict, Classes], list[FilmObject]]


def track_panoptic(result: ResultDict, sample: DetDataSample, tracker: Tracker) -> ResultDict:
    """Replace the ids of the segments and of the map, and add ``tracked``, which tells that they stay."""
    segments = result['segments']
    ids = np.array([0, *(segment['label'] + 1 for segment in segments)], np.int32)
    things = [number for number, segment in enumerate(segments) if segment['is_thing']]
    queries = sample.pred_segments.queries[things]
    numbers = np.array([segments[thing]['id'] for thing in things], np.int32)
    ids[numbers] = tracker.update(
        Observed(
            labels=np.array([segments[thing]['label'] for thing in things], int),
            embeddings=sample.query_embeddings.panoptic[queries].float().numpy(),
            masks=on_grid(result['id_map']) == numbers[:, None, None],
        )
    )
    return {
        'id_map': ids[result['id_map']],
        'segments': [segment | {'id': int(ids[segment['id']])} for segment in segments],
        'tracked': True,
    }


def panoptic_objects(result: ResultDict, metainfo: Classes) -> list[FilmObject]:
    """List the segments."""
    id_map = result['id_map']

    def mask_of(number: int) -> Callable[[], RunLengths]:
        return lambda: encode_edges(find_edges((id_map == number).T), id_map.shape)

    return [
        FilmObject(
            id=segment['id'],
            label=segment['label'],
            score=segment['score'],
            bbox=segment['bbox'],
            area=segment['area'],
            mask=mask_of(segment['id']),
        )
        for segment in result['segments']
    ]


def track_instances(result: ResultDict, sample: DetDataSample, tracker: Tracker) -> ResultDict:
    """Add ``ids``, a list: 0 for instances whose score is below one half."""
    scores = np.array(result['scores'])
    shown = np.flatnonzero(scores >= LEAST_SCORE)
    instances = sample.pred_instances
    observed = Observed(
        labels=np.array(result['labels'], int)[shown],
        embeddings=sample.query_embeddings.instance[instances.queries[shown]].float().numpy(),
        masks=on_grid(instances.masks[shown].numpy()),
    )
    ids = np.full(len(scores), UNTRACKED)
    ids[shown] = tracker.update(observed)
    return result | {'ids': ids.tolist()}


def instance_objects(result: ResultDict, metainfo: Classes) -> list[FilmObject]:
    """List the instances that are tracked."""
    rows = zip(*(result[key] for key in ('ids', 'labels', 'scores', 'bboxes', 'masks')), strict=True)
    return [
        FilmObject(number, label, score, box, mask_area(mask), lambda mask=mask: mask)  # type: ignore[misc]
        for number, label, score, box, mask in rows
        if number != UNTRACKED
    ]


def track_nothing(result: ResultDict, sample: DetDataSample, tracker: Tracker) -> ResultDict:
    """Leave the result as it is: its classes are not told apart."""
    return result


def semantic_objects(result: ResultDict, metainfo: Classes) -> list[FilmObject]:
    """List the classes that occur, without scores."""
    labels, numbers = labels_in(result['label_map']), np.zeros(NO_CLASS + 1, np.int32)
    numbers[labels] = np.arange(1, len(labels) + 1)
    found = panoptic_dict(numbers[result['label_map']], labels, [0.0] * len(labels), metainfo)
    return [each._replace(id=each.label + 1, score=None) for each in panoptic_objects(found, metainfo)]


def on_grid(pixels: Any) -> Any:
    """Sample the last two axes, of any size, at ``GRID`` x ``GRID`` points."""
    rows, columns = (((np.arange(GRID) + 0.5) * size / GRID).astype(int) for size in pixels.shape[-2:])
    return pixels[..., rows[:, None], columns]


TRACKING = TaskTable(
    'mmoneformer.tracking.task_tracking.TRACKING',
    {
        'panoptic': TaskTracking(track_panoptic, panoptic_objects),
        'instance': TaskTracking(track_instances, instance_objects),
        'semantic': TaskTracking(track_nothing, semantic_objects),
    },
)
