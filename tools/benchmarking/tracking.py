"""Tracking of drawn films by queries, and by the IoU of masks alone: video panoptic quality, id switches and time."""

import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.apis.prediction import Prediction
from mmoneformer.datasets.shapes.film_folder import ANNOTATION, FILMS, MAPS
from mmoneformer.evaluation.video_panoptic_quality import SegmentedFrame, VideoPanopticQuality
from mmoneformer.structures.panoptic_ids import colors_to_ids
from mmoneformer.tracking import FilmTracker
from mmoneformer.tracking.tracker import Observed, Track, Tracker, mask_ious

TASK = 'panoptic'
LEAST_IOU = 0.01  # of a match of the baseline: higher ones have a lower VPQ


class Film(NamedTuple):
    """The images of a film, and what is true in each."""

    images: list[Path]
    truth: list[SegmentedFrame]


def read_films(folder: Path, classes: Sequence[str]) -> list[Film]:
    """Read the films of ``make_shapes_dataset.py --films``."""
    content = json.loads((folder / ANNOTATION).read_text())
    labels = {category['id']: list(classes).index(category['name']) for category in content['categories']}
    films: dict[int, Film] = {video['id']: Film([], []) for video in content['videos']}
    for image, annotation in zip(content['images'], content['annotations'], strict=True):
        images, truth = films[image['video_id']]
        images.append(folder / FILMS / image['file_name'])
        ids = colors_to_ids(np.asarray(Image.open(folder / MAPS / annotation['file_name'])))
        segments = [
            {'id': segment['id'], 'label': labels[segment['category_id']], 'iscrowd': segment['iscrowd']}
            for segment in annotation['segments_info']
        ]
        truth.append(SegmentedFrame(ids.astype(np.int64), segments))
    return list(films.values())


def iou_similarity(tracks: Sequence[Track], observed: Observed, frame: int) -> np.ndarray:
    """The baseline: the IoU of the masks."""
    return mask_ious(tracks, observed)


BASELINE = partial(Tracker, similarity=iou_similarity, least=LEAST_IOU)
WAYS: dict[str, Any] = {'queries': Tracker, 'mask IoU': BASELINE}


def measure_films(inferencer: OneFormerInferencer, films: Sequence[Film]) -> dict[str, dict[str, float]]:
    """Predict each frame once, and track the results in each way.

    Returns:
        By way, the metrics of ``VideoPanopticQuality``, and ``ms``, the median CPU time for each frame.
    """
    metrics = {way: VideoPanopticQuality(inferencer.metainfo) for way in WAYS}
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for film in films:
        trackers = {way: FilmTracker(inferencer.metainfo, tracker) for way, tracker in WAYS.items()}
        found: dict[str, list[SegmentedFrame]] = {way: [] for way in WAYS}
        for prediction in inferencer.stream(film.images, tasks=[TASK], track=True):
            for way, tracker in trackers.items():
                start = time.process_time()
                result = _track(tracker, prediction, inferencer)
                seconds[way].append(time.process_time() - start)
                found[way].append(SegmentedFrame(result['id_map'], result['segments']))
        for way, frames in found.items():
            metrics[way].add_film(film.truth, frames)
    return {way: metric.compute() | {'ms': 1e3 * median(seconds[way])} for way, metric in metrics.items()}


def _track(tracker: FilmTracker, prediction: Prediction, inferencer: OneFormerInferencer) -> dict[str, Any]:
    """Track a result that has no ids yet."""
    results = prediction._replace(results=None).as_dicts(inferencer.metainfo, [TASK])
    return tracker.update(results, prediction.sample)[TASK]


def frame_times(
    inferencer: OneFormerInferencer, images: Sequence[Path], rounds: int
) -> tuple[list[float], list[float]]:
    """CPU time of a frame in alternating runs, with tracking and without, in seconds."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(rounds):
        for track in (True, False):
            start = time.process_time()
            for prediction in inferencer.stream(images, tasks=[TASK], track=track):
                prediction.as_dicts(inferencer.metainfo, [TASK])
            seconds[track].append((time.process_time() - start) / len(images))
    return seconds[True], seconds[False]
