"""Prediction in Ray Data: an actor that adds columns of results to batches of images."""

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from PIL import Image, UnidentifiedImageError

from mmoneformer.apis.inferencer import OneFormerInferencer
from mmoneformer.results.to_coco import to_coco
from mmoneformer.tasks import check_tasks
from mmoneformer_deploy.image_sources import Source

UNKNOWN = 'the content is not an image: it is damaged or of an unknown format'

Batch = dict[str, np.ndarray]


class RayPredictor:
    """Predicts batches of ``ray.data.Dataset.map_batches``; each actor has a model of its own.

    ::

        images = ray.data.read_images('s3://bucket/photos', include_paths=True)
        settings = dict(weights='oneformer_swin-l_coco', tasks=['panoptic'])
        found = images.map_batches(RayPredictor, fn_constructor_kwargs=settings, concurrency=2, batch_size=16)
        found.drop_columns(['image']).write_parquet('s3://bucket/results')

    If an actor dies, Ray predicts its batch with another one. Ray itself is not imported here.

    Args:
        weights: As in ``OneFormerInferencer``; every machine must reach them.
        model: As in ``OneFormerInferencer``.
        tasks: Tasks to predict; by default all.
        column: Column with the images: encoded files (bytes), RGB arrays (uint8 [H, W, 3]), or paths.
        device: As in ``OneFormerInferencer``.
        precision: As in ``OneFormerInferencer``.

    Raises:
        ValueError: As ``OneFormerInferencer``; if a task is unknown.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str],
        *,
        model: str | os.PathLike[str] | Config | None = None,
        tasks: Sequence[str] | None = None,
        column: str = 'image',
        device: str = 'auto',
        precision: str = 'float32',
    ) -> None:
        self.tasks = check_tasks(tasks)
        self.column = column
        self.inferencer = OneFormerInferencer(model, weights, device, precision=precision, show_progress=False)

    def __call__(self, batch: Batch) -> Batch:
        """Add a column for each task, named after it, and the column ``error``.

        Args:
            batch: Columns; of the images, that of ``column`` is read.

        Returns:
            The batch with, for each task, a text per image: JSON, a list of segments as from ``to_coco`` with
            ``class_name``. For an image that cannot be predicted, these are None and ``error`` is the reason.

        Raises:
            ValueError: If there is no such column.
        """
        if self.column not in batch:
            raise ValueError(
                f'the batch has no column {self.column!r}, but {list(batch)}: set column to that of images'
            )
        sources = dict(enumerate(map(_source, batch[self.column])))
        images = {number: source for number, source in sources.items() if source is not None}
        result = self.inferencer(list(images.values()), tasks=self.tasks, channels='rgb', on_error='skip')
        errors = dict.fromkeys(sources.keys() - images, UNKNOWN)
        errors |= {list(images)[failure.number]: failure.reason for failure in result['failures']}
        predictions = iter(result['predictions'])
        rows = [None if number in errors else next(predictions) for number in sources]
        columns = {task: [self._text(results, task) for results in rows] for task in self.tasks}
        columns['error'] = [errors.get(number) for number in range(len(sources))]
        return batch | {name: np.array(values, object) for name, values in columns.items()}

    def _text(self, results: dict[str, Any] | None, task: str) -> str | None:
        if results is None:
            return None
        metainfo = self.inferencer.metainfo
        segments = to_coco(results, task, metainfo)
        named = [{'class_name': metainfo['classes'][segment['category_id']], **segment} for segment in segments]
        return json.dumps([{key: value for key, value in segment.items() if key != 'image_id'} for segment in named])


def _source(value: Any) -> Source | None:
    """An image of a column, as the inferencer takes it; None for bytes that are no image."""
    if isinstance(value, bytes):
        try:
            return Image.open(io.BytesIO(value))
        except UnidentifiedImageError:
            return None
    return value if isinstance(value, np.ndarray) else Path(value)
