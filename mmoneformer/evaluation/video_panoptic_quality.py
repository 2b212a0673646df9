"""Video panoptic quality (arXiv 2006.11339): that of tubes, which are the segments of an id in a window of frames."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mmoneformer.evaluation.panoptic_quality import COUNTS, class_qualities, count_matches, find_matches
from mmoneformer.metainfo import Metainfo

WINDOWS = (1, 5, 10, 15)  # frames

Segments = Sequence[Mapping[str, Any]]


class SegmentedFrame(NamedTuple):
    """The segments of a frame.

    Attributes:
        id_map: Id of each pixel's segment, 0 for void, integer [H, W].
        segments: ``id`` and ``label`` of each segment, and ``iscrowd`` if it is of the ground truth.
    """

    id_map: np.ndarray
    segments: Segments


class VideoPanopticQuality:
    """VPQ in percent, and the number of id switches.

    For each window, VPQ is the panoptic quality of all tubes in all windows of the films, averaged over the classes
    that occur. A film that is shorter than a window has no tubes of it.

    Args:
        metainfo: The classes.
        windows: Numbers of frames.
    """

    def __init__(self, metainfo: Metainfo, windows: Sequence[int] = WINDOWS) -> None:
        self._metainfo, self._windows = metainfo, windows
        num_classes = len(metainfo['classes'])
        self._totals = {window: np.zeros((num_classes, len(COUNTS))) for window in windows}
        self._switches = 0

    def add_film(self, truth: Sequence[SegmentedFrame], predicted: Sequence[SegmentedFrame]) -> None:
        """Match the predicted tubes of a film with those of the ground truth.

        Args:
            truth: The annotation of each frame.
            predicted: What was predicted in each frame; an id names one object throughout.

        Raises:
            ValueError: If the numbers or sizes of frames differ, if an id has no label or several, or if a label is
                not that of a class.
        """
        if len(truth) != len(predicted):
            raise ValueError(f'the film has {len(truth)} annotated frames and {len(predicted)} predicted ones')
        film = _Film.of(truth, predicted, len(self._metainfo['classes']))
        for window, totals in self._totals.items():
            for first in range(len(truth) - window + 1):
                totals += film.tube_statistics(first, first + window)
        self._switches += film.id_switches(self._metainfo['thing_ids'])

    def compute(self) -> dict[str, float]:
        """Average over classes and windows.

        Returns:
            ``VPQ``, ``VPQ_things`` and ``VPQ_stuff``, averaged over the windows, 0 to 100, and ``VPQ_<window>`` of
            each window; nan without any tube. ``id_switches``: how often the id of a thing's match is not that of its
            last match.
        """
        qualities = {window: class_qualities(totals)[:, 0] for window, totals in self._totals.items()}
        is_thing = np.isin(np.arange(len(self._metainfo['classes'])), self._metainfo['thing_ids'])
        metrics = {}
        for suffix, group in (('', np.ones_like(is_thing)), ('_things', is_thing), ('_stuff', ~is_thing)):
            metrics[f'VPQ{suffix}'] = _mean(np.array([_mean(quality[group]) for quality in qualities.values()]))
        metrics |= {f'VPQ_{window}': _mean(quality) for window, quality in qualities.items()}
        return metrics | {'id_switches': self._switches}


class _Film(NamedTuple):
    """The pixels that G annotated and P predicted objects share.

    Attributes:
        sums: Of the frames before each frame, and of all: [T + 1, G + 1, P + 1]; row and column 0 are void.
        segments: ``label`` and ``iscrowd`` of each annotated object, G.
        labels: Class of each column, that of void included, [P + 1].
        num_classes: K.
    """

    sums: np.ndarray
    segments: Segments
    labels: np.ndarray
    num_classes: int

    @classmethod
    def of(cls, truth: Sequence[SegmentedFrame], predicted: Sequence[SegmentedFrame], num_classes: int) -> '_Film':
        annotated, found = _objects(truth, num_classes), _objects(predicted, num_classes)
        shared = np.zeros((len(truth) + 1, len(annotated) + 1, len(found) + 1), np.int64)
        for number, (true, prediction) in enumerate(zip(truth, predicted, strict=True), start=1):
            if true.id_map.shape != prediction.id_map.shape:
                raise ValueError(
                    f'frame {number - 1} is {prediction.id_map.shape} (height, width), its ground truth '
                    f'{true.id_map.shape}: both must have the original size'
                )
            rows, columns = _indices(true.id_map, list(annotated)), _indices(prediction.id_map, list(found))
            np.add.at(shared[number], (rows.ravel(), columns.ravel()), 1)
        labels = np.array([num_classes, *(segment['label'] for segment in found.values())])
        return cls(shared.cumsum(axis=0), list(annotated.values()), labels, num_classes)

    def tube_statistics(self, first: int, end: int) -> np.ndarray:
        """Statistics of the tubes from one frame to the one before another, [K, 4]."""
        return count_matches(*self._tubes(first, end), self.num_classes)

    def id_switches(self, thing_ids: Sequence[int]) -> int:
        """How often the id of a thing's match is not that of its last match."""
        switches, last = 0, dict[int, int]()
        for frame in range(len(self.sums) - 1):
            overlap = self.sums[frame + 1] - self.sums[frame]
            for thing, match, _ in zip(*find_matches(overlap, self.labels, self.segments), strict=True):
                if self.segments[thing]['label'] in thing_ids:
                    switches += int(last.get(thing, match) != match)
                    last[thing] = match
        return switches

    def _tubes(self, first: int, end: int) -> tuple[np.ndarray, np.ndarray, Segments]:
        """Overlap, labels and segments of what has a pixel in the window."""
        overlap = self.sums[end] - self.sums[first]
        rows, columns = overlap.any(axis=1), overlap.any(axis=0)
        rows[0] = True  # void
        segments = [segment for segment, is_there in zip(self.segments, rows[1:], strict=True) if is_there]
        return overlap[rows][:, columns], self.labels[columns], segments


def _objects(frames: Sequence[SegmentedFrame], num_classes: int) -> dict[int, Mapping[str, Any]]:
    """The objects of a film by id, ascending, with ``label`` and ``iscrowd``.

    Raises:
        ValueError: If an id has several labels, or one that is not that of a class.
    """
    objects: dict[int, Mapping[str, Any]] = {}
    for number, frame in enumerate(frames):
        for segment in frame.segments:
            label = segment['label']
            first = objects.setdefault(segment['id'], {'label': label, 'iscrowd': segment.get('iscrowd', 0)})
            if first['label'] != label or not 0 <= label < num_classes:
                raise ValueError(
                    f'frame {number}: segment {segment["id"]} has the label {label}, and {first["label"]} before: an '
                    f'id names one object of a class from 0 to {num_classes - 1} throughout'
                )
    return dict(sorted(objects.items()))


def _indices(id_map: np.ndarray, ids: Sequence[int]) -> np.ndarray:
    """Place of each pixel's id among ascending ids, from 1; 0 for void.

    Raises:
        ValueError: If a pixel has an id that no segment has.
    """
    known = np.array([0, *ids])
    places = np.searchsorted(known, id_map).clip(max=len(ids))
    unknown = id_map[known[places] != id_map]
    if unknown.size:
        raise ValueError(f'the map has the id {unknown[0]}, but no segment has it')
    return places


def _mean(qualities: np.ndarray) -> float:
    measured = qualities[~np.isnan(qualities)]
    return float(measured.mean()) if len(measured) else float('nan')
