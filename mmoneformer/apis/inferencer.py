"""Prediction of image files, folders, patterns, URLs and arrays."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from mmcv.transforms import Compose
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.logging import print_log

from mmoneformer.apis.device import autocast, check_precision, resolve_device
from mmoneformer.apis.image_sources import Source, Sources, expand_sources, load_source, name_of, stem_of, tracked
from mmoneformer.apis.init_model import init_model
from mmoneformer.checkpoints.safe_config import registered_parts_only
from mmoneformer.registry import TRANSFORMS
from mmoneformer.results.as_dict import ResultDict, as_dict
from mmoneformer.results.folder import ResultFolder
from mmoneformer.tasks import check_tasks
from mmoneformer.visualization import draw_sheet

OnError = Literal['stop', 'skip']


class Prediction(NamedTuple):
    """The results of an image.

    Attributes:
        number: Index of the image among the sources, from 0.
        source: The source: a path, a URL or an array.
        image: The image, BGR, uint8 [H, W, 3].
        sample: The results, on the CPU.
    """

    number: int
    source: Source
    image: np.ndarray
    sample: DetDataSample


class Failure(NamedTuple):
    """An image that could not be read.

    Attributes:
        number: Index of the image among the sources, from 0.
        name: Path or URL.
        reason: Message of the error.
    """

    number: int
    name: str
    reason: str


class OneFormerInferencer:
    """Predicts images with the test pipeline of the model's config.

    It has the interface of the inferencers of mmdet and mmseg, but is not derived from mmengine's base class, which
    runs code from the config of a checkpoint and keeps all images of a call. Several threads may use one inferencer,
    each with tasks of its own.

    Args:
        model: Path of the config, or config; None for the config that is stored in the weights.
        weights: Path of the weights, or name of a released model, as in ``init_model``.
        device: Device of the model, or 'auto' for an accelerator if there is one, as in ``resolve_device``.
        precision: 'float32', or 'bfloat16' or 'float16' for torch's autocast.
        show_progress: Whether to show a progress bar for several images.

    Raises:
        ValueError: As ``init_model``, if the precision is unknown, or if the config has no ``test_pipeline`` that
            starts with ``LoadImageFromFile``.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Config | None = None,
        weights: str | os.PathLike[str] | None = None,
        device: str | torch.device = 'auto',
        *,
        precision: str = 'float32',
        show_progress: bool = True,
    ) -> None:
        self.precision = check_precision(precision)
        self.show_progress = show_progress
        self.device = resolve_device(device)
        self.model = init_model(model, weights, self.device)
        steps = self.model.cfg.get('test_pipeline', [])
        if not steps or steps[0].get('type') != 'LoadImageFromFile':
            raise ValueError(f'the config needs a test_pipeline that starts with LoadImageFromFile, got {steps[:1]}')
        with registered_parts_only() if model is None else nullcontext():
            self.loader, self.pipeline = TRANSFORMS.build(steps[0]), Compose(steps[1:])

    def __call__(
        self,
        images: Sources,
        *,
        tasks: Sequence[str] | None = None,
        batch_size: int = 1,
        out_dir: str | os.PathLike[str] | None = None,
        return_datasamples: bool = False,
        on_error: OnError = 'stop',
    ) -> dict[str, list[Any]]:
        """Predict images; the tasks of an image share one pass through the backbone.

        All results are kept in memory: for many images, use ``save`` or ``stream``.

        Args:
            images: A file, a folder (its images, by name), a pattern, a URL, an array (BGR, uint8 [H, W, 3]), or
                several of these; see ``expand_sources``.
            tasks: Tasks to predict; by default all.
            batch_size: Number of images per batch.
            out_dir: Folder for drawings and results, see ``ResultFolder``; None to write nothing.
            return_datasamples: Whether to return data samples instead of dicts.
            on_error: What to do with an image that cannot be read: 'stop' with the error, or 'skip' it.

        Returns:
            ``predictions``: for each image that could be read, the dict of ``as_dict``, or the data sample on the CPU.
            ``failures``: a ``Failure`` for each other image.

        Raises:
            FileNotFoundError: If a path does not exist.
            ValueError: If an image cannot be read, or a task is unknown.
        """
        tasks, failures = check_tasks(tasks), _failures(on_error)
        predictions: list[ResultDict | DetDataSample] = []
        with nullcontext() if out_dir is None else ResultFolder(out_dir, self.model.dataset_meta) as folder:
            for prediction in self._tracked(images, tasks, batch_size, failures):
                results = {} if return_datasamples and folder is None else self._as_dict(prediction, tasks)
                if folder is not None:
                    self._write(folder, prediction, results, tasks)
                predictions.append(prediction.sample if return_datasamples else results)
        return {'predictions': predictions, 'failures': failures or []}

    def save(
        self,
        images: Sources,
        out_dir: str | os.PathLike[str],
        *,
        tasks: Sequence[str] | None = None,
        batch_size: int = 1,
        on_error: OnError = 'stop',
    ) -> tuple[int, list[Failure]]:
        """Predict images and write the results of each, without keeping them in memory; arguments as in a call.

        After an error or an interruption, the results of the images until then are complete.

        Returns:
            Number of images that were written, and the failures.
        """
        tasks, failures, count = check_tasks(tasks), _failures(on_error), 0
        with ResultFolder(out_dir, self.model.dataset_meta) as folder:
            for count, prediction in enumerate(self._tracked(images, tasks, batch_size, failures), start=1):  # noqa: B007
                self._write(folder, prediction, self._as_dict(prediction, tasks), tasks)
        return count, failures or []

    def stream(
        self,
        images: Sources,
        *,
        tasks: Sequence[str] | None = None,
        batch_size: int = 1,
        failures: list[Failure] | None = None,
    ) -> Iterator[Prediction]:
        """Predict images lazily, one batch at a time.

        Args:
            images: As in a call; also an endless iterator.
            tasks: Tasks to predict; by default all.
            batch_size: Number of images per batch.
            failures: List to which images that cannot be read are added, which are then skipped; None to stop at the
                first.

        Yields:
            The predictions, in the order of the images.

        Raises:
            FileNotFoundError: If a path does not exist.
            ValueError: If an image cannot be read, or a task is unknown.
        """
        tasks = check_tasks(tasks)
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        loaded = self._load(expand_sources(images, missing_ok=failures is not None), failures)
        while batch := list(islice(loaded, batch_size)):
            samples = self._predict([packed for _, packed in batch], tasks)
            for (prediction, _), sample in zip(batch, samples, strict=True):
                yield prediction._replace(sample=sample.cpu())

    def _load(
        self, sources: Iterable[Source], failures: list[Failure] | None
    ) -> Iterator[tuple[Prediction, dict[str, Any]]]:
        """Yield predictions without results yet, each with the packed input of the model."""
        for number, source in enumerate(sources):
            try:
                loaded = load_source(source, self.loader)
                image = loaded['img']
                packed = self.pipeline(loaded)
            except (OSError, ValueError) as error:
                if failures is None:
                    raise
                failures.append(Failure(number, name_of(source, number), str(error)))
                print_log(f'skipped: {error}', 'current')
                continue
            yield Prediction(number, source, image, packed['data_samples']), packed

    def _predict(self, packed: Sequence[dict[str, Any]], tasks: tuple[str, ...]) -> list[DetDataSample]:
        batch = {key: [sample[key] for sample in packed] for key in packed[0]}
        with torch.no_grad(), autocast(self.precision, self.device):
            return self.model(**self.model.data_preprocessor(batch), mode='predict', tasks=tasks)

    def _tracked(
        self, images: Sources, tasks: Sequence[str], batch_size: int, failures: list[Failure] | None
    ) -> Iterator[Prediction]:
        sources = tracked(expand_sources(images, missing_ok=failures is not None), shown=self.show_progress)
        return self.stream(sources, tasks=tasks, batch_size=batch_size, failures=failures)

    def _write(self, folder: ResultFolder, prediction: Prediction, results: ResultDict, tasks: Sequence[str]) -> None:
        drawing = draw_sheet(prediction.image[..., ::-1].copy(), prediction.sample, self.model.dataset_meta, tasks)
        height, width = prediction.image.shape[:2]
        folder.write(stem_of(prediction.source, prediction.number), results, drawing, (height, width))

    def _as_dict(self, prediction: Prediction, tasks: Sequence[str]) -> ResultDict:
        return as_dict(prediction.sample, self.model.dataset_meta, tasks)


def _failures(on_error: OnError) -> list[Failure] | None:
    """List for the failures; None to stop at the first.

    Raises:
        ValueError: If ``on_error`` is neither 'stop' nor 'skip'.
    """
    if on_error not in ('stop', 'skip'):
        raise ValueError(f"on_error must be 'stop' or 'skip', got {on_error!r}")
    return [] if on_error == 'skip' else None
