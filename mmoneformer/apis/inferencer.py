"""Prediction of image files, folders, patterns, URLs and arrays."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any

import torch
from mmcv.transforms import Compose
from mmcv.transforms import LoadImageFromFile as LoadImageOfMmcv
from mmdet.structures import DetDataSample
from mmengine.config import Config

from mmoneformer.apis.device import autocast, check_precision, resolve_device, warn_if_slow
from mmoneformer.apis.image_sources import load_source, tracked
from mmoneformer.apis.init_model import init_model
from mmoneformer.apis.prediction import Prediction
from mmoneformer.checkpoints.safe_config import registered_parts_only
from mmoneformer.datasets.transforms import LoadImageFromFile
from mmoneformer.metainfo import Metainfo
from mmoneformer.registry import TRANSFORMS
from mmoneformer.results.folder import open_folder
from mmoneformer.tasks import check_tasks
from mmoneformer.tracking import FilmTracker
from mmoneformer.visualization import sheet_drawer
from mmoneformer_deploy.failures import Failure, OnError, list_failures, skipping
from mmoneformer_deploy.image_sources import Source, Sources, expand_sources, names_in, stem_of
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_deploy.result_folder import ResultFolder

Loaded = tuple[Prediction, dict[str, Any]]  # an image without results yet, and the packed input of the model


class OneFormerInferencer:
    """Predicts images with the test pipeline of the model's config.

    It has the interface of the inferencers of mmdet and mmseg, but is not derived from mmengine's base class, which
    runs code from the config of a checkpoint and keeps all images of a call. Several threads may use one inferencer,
    each with tasks of its own.

    Args:
        model: Path of the config, or config; None for the config that is stored in the weights.
        weights: Path of the weights, or name of a released model, as in ``init_model``.
        device: Device of the model, or 'auto' for an accelerator if there is one, as in ``resolve_device``.
        precision: 'float32', or 'bfloat16' or 'float16' for torch's autocast; slower than float32 on some CPUs, with
            a warning.
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
        warn_if_slow(precision, self.device)
        self.model = init_model(model, weights, self.device)
        steps = self.model.cfg.get('test_pipeline', [])
        with registered_parts_only() if model is None else nullcontext():
            self.loader, self.pipeline = TRANSFORMS.build(steps[0]) if steps else None, Compose(steps[1:])
        if not isinstance(self.loader, LoadImageFromFile | LoadImageOfMmcv):
            raise ValueError(f'the config needs a test_pipeline that starts with LoadImageFromFile, got {steps[:1]}')

    @property
    def metainfo(self) -> Metainfo:
        """The classes of the model."""
        return self.model.dataset_meta

    def __call__(
        self,
        images: Sources,
        *,
        tasks: Sequence[str] | None = None,
        batch_size: int = 1,
        out_dir: str | os.PathLike[str] | None = None,
        return_datasamples: bool = False,
        on_error: OnError = 'stop',
        track: bool = False,
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
            on_error: What to do with an image that cannot be read, predicted, drawn or written: 'stop' with the error,
                or 'skip' it. A full disk always stops.
            track: Whether the images are the frames of a film, in their order, in which an id names one object
                throughout: see ``FilmTracker``. Data samples have no such ids.

        Returns:
            ``predictions``: the dict of ``as_dict``, or the data sample on the CPU, of each image not skipped.
            ``failures``: a ``Failure`` for each other image.

        Raises:
            FileNotFoundError: If a path does not exist.
            ValueError: If an image cannot be read, or a task is unknown.
        """
        tasks, failures = check_tasks(tasks), list_failures(on_error)
        predictions: list[ResultDict | DetDataSample | None] = []
        sources = expand_sources(images, missing_ok=failures is not None)
        found = self._tracked(sources, tasks, batch_size, failures, track=track)
        with nullcontext() if out_dir is None else self._folder(out_dir, sources, tasks) as folder:
            for prediction in found if folder is None else self._written(found, folder, tasks, failures):
                with skipping(failures, prediction.number, prediction.source):
                    predictions.append(
                        prediction.sample if return_datasamples else prediction.as_dicts(self.metainfo, tasks)
                    )
        return {'predictions': predictions, 'failures': failures or []}

    def save(
        self,
        images: Sources,
        out_dir: str | os.PathLike[str],
        *,
        tasks: Sequence[str] | None = None,
        batch_size: int = 1,
        on_error: OnError = 'stop',
        track: bool = False,
    ) -> tuple[int, list[Failure]]:
        """Predict images and write the results of each, without keeping them in memory; arguments as in a call.

        After an error or an interruption, the results of the images until then are complete.

        Returns:
            Number of images that were written, and the failures.
        """
        tasks, failures = check_tasks(tasks), list_failures(on_error)
        sources = expand_sources(images, missing_ok=failures is not None)
        with self._folder(out_dir, sources, tasks) as folder:
            found = self._tracked(sources, tasks, batch_size, failures, track=track)
            count = sum(1 for _ in self._written(found, folder, tasks, failures))
        return count, failures or []

    def stream(
        self,
        images: Sources,
        *,
        tasks: Sequence[str] | None = None,
        batch_size: int = 1,
        failures: list[Failure] | None = None,
        track: bool = False,
    ) -> Iterator[Prediction]:
        """Predict images lazily, one batch at a time.

        Args:
            images: As in a call; also an endless iterator.
            tasks: Tasks to predict; by default all.
            batch_size: Number of images per batch.
            failures: List to which images that cannot be read or predicted are added, which are then skipped; None to
                stop at the first.
            track: As in a call.

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
        tracker = FilmTracker(self.metainfo) if track else None
        while batch := list(islice(loaded, batch_size)):
            for prediction in self._predict_batch(batch, tasks, failures, with_queries=track):
                yield prediction if tracker is None else self._with_ids(prediction, tracker, tasks)

    def _with_ids(self, prediction: Prediction, tracker: FilmTracker, tasks: Sequence[str]) -> Prediction:
        results = prediction.as_dicts(self.metainfo, tasks)
        return prediction._replace(results=tracker.update(results, prediction.sample))

    def _load(self, sources: Iterable[Source], failures: list[Failure] | None) -> Iterator[Loaded]:
        """Yield predictions without results yet, each with the packed input of the model."""
        for number, source in enumerate(sources):
            ready = None
            with skipping(failures, number, source):
                results = load_source(source, self.loader)
                image, packed = results['img'], self.pipeline(results)
                ready = Prediction(number, source, image, packed['data_samples']), packed
            if ready is not None:
                yield ready

    def _predict_batch(
        self,
        batch: Sequence[Loaded],
        tasks: tuple[str, ...],
        failures: list[Failure] | None,
        *,
        with_queries: bool,
    ) -> list[Prediction]:
        """Predict a batch; if it fails and failures are skipped, predict its images one by one."""
        if len(batch) > 1:
            try:
                return self._predict(batch, tasks, with_queries=with_queries)
            except Exception:
                if failures is None:
                    raise
        predictions = []
        for loaded in batch:
            with skipping(failures, loaded[0].number, loaded[0].source):
                predictions += self._predict([loaded], tasks, with_queries=with_queries)
        return predictions

    def _predict(self, batch: Sequence[Loaded], tasks: tuple[str, ...], *, with_queries: bool) -> list[Prediction]:
        inputs = {key: [packed[key] for _, packed in batch] for key in batch[0][1]}
        with torch.no_grad(), autocast(self.precision, self.device):
            batched = self.model.data_preprocessor(inputs)
            samples = self.model(**batched, mode='predict', tasks=tasks, with_queries=with_queries)
        return [
            prediction._replace(sample=sample.cpu()) for (prediction, _), sample in zip(batch, samples, strict=True)
        ]

    def _tracked(
        self,
        sources: Iterable[Source],
        tasks: Sequence[str],
        batch_size: int,
        failures: list[Failure] | None,
        *,
        track: bool,
    ) -> Iterator[Prediction]:
        shown = tracked(sources, shown=self.show_progress)
        return self.stream(shown, tasks=tasks, batch_size=batch_size, failures=failures, track=track)

    def _folder(
        self, out_dir: str | os.PathLike[str], sources: Iterable[Source], tasks: Sequence[str]
    ) -> ResultFolder:
        draw = sheet_drawer(self.metainfo, tasks)
        return open_folder(out_dir, self.metainfo, draw=draw, taken=names_in(out_dir, sources))

    def _written(
        self,
        predictions: Iterable[Prediction],
        folder: ResultFolder,
        tasks: Sequence[str],
        failures: list[Failure] | None,
    ) -> Iterator[Prediction]:
        """Write predictions, and yield those that were written, with their dicts."""
        for prediction in predictions:
            is_written = False
            with skipping(failures, prediction.number, prediction.source):
                results = prediction.as_dicts(self.metainfo, tasks)
                image = prediction.in_rgb()
                folder.write(stem_of(prediction.source, prediction.number), results, image, image.shape[:2])
                is_written = True
            if is_written:
                yield prediction._replace(results=results)
