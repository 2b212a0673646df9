"""Tracks the results of all tasks through a film."""

from collections.abc import Callable, Iterator
from itertools import count

from mmdet.structures import DetDataSample

from mmoneformer.tracking.task_tracking import TRACKING
from mmoneformer.tracking.tracker import Tracker
from mmoneformer_deploy.result_dicts import Classes, ResultDict


class FilmTracker:
    """Gives the segments of each frame the ids that they had in the frames before; each task has a tracker.

    An id names one object of one task, or a class, throughout the film.

    Args:
        metainfo: The classes.
        make_tracker: Makes the tracker of a task, given the ids of new things.
    """

    def __init__(self, metainfo: Classes, make_tracker: Callable[[Iterator[int]], Tracker] = Tracker) -> None:
        self._ids, self._make_tracker = count(len(metainfo['classes']) + 1), make_tracker
        self._trackers: dict[str, Tracker] = {}

    def update(self, results: ResultDict, sample: DetDataSample) -> ResultDict:
        """Return the results of the next frame with ids, as ``TRACKING`` describes.

        Args:
            results: By task, as from ``as_dict``.
            sample: What they are from, predicted with ``with_queries``, on the CPU.

        Raises:
            KeyError: If a task has no entry in the table.
        """
        return {task: TRACKING[task].with_ids(result, sample, self._tracker(task)) for task, result in results.items()}

    def _tracker(self, task: str) -> Tracker:
        if task not in self._trackers:
            self._trackers[task] = self._make_tracker(self._ids)
        return self._trackers[task]
