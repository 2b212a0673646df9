"""Prediction of image files, folders, patterns, URLs and arrays."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from operator import methodcaller
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config

from mmoneformer.apis.batches import BatchPredictor
from mmoneformer.apis.device import check_precision, predicts_in_processes, resolve_device, warn_if_slow
from mmoneformer.apis.image_sources import Item, known_length, tracked
from mmoneformer.apis.init_model import init_model
from mmoneformer.apis.launched import check_film, this_share
from mmoneformer.apis.prediction import Prediction
from mmoneformer.apis.reader import Reader
from mmoneformer.apis.saving import ImageWork, do_work, open_saving
from mmoneformer.apis.tiled_images import TiledImages, tiled_images
from mmoneformer.checkpoints.safe_config import registered_parts_only
from mmoneformer.metainfo import Metainfo
from mmoneformer.tasks import check_tasks
from mmoneformer.tiling.tiling import Side
from mmoneformer.tracking import FilmTracker
from mmoneformer_deploy.failures import Failure, OnError, list_failures, skipping
from mmoneformer_deploy.image_arrays import Channels, check_channels
from mmoneformer_deploy.image_files import FORMATS
from mmoneformer_deploy.image_sources import Source, Sources, expand_sources, folders_in
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_deploy.saving import Output
from mmoneformer_deploy.workers import count_workers


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
            self.reader = Reader(steps)

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
        channels: Channels = 'bgr',
        tile: Side | None = None,
        **tiling: Any,
    ) -> dict[str, list[Any]]:
        """Predict images; the tasks of an image share one pass through the backbone.

        All results are kept in memory: for many images, use ``save`` or ``stream``.

        Args:
            images: A file, a folder (its images, by name), a pattern, a URL, an image of Pillow, an array (uint8
                [H, W, 3]), or several of these; see ``expand_sources``.
            tasks: Tasks to predict; by default all.
            batch_size: Number of images per batch.
            out_dir: Folder for drawings and results, see ``ResultFolder``; None to write nothing.
            return_datasamples: Whether to return data samples instead of dicts.
            on_error: What to do with an image that cannot be read, predicted, drawn or written: 'stop' with the error,
                or 'skip' it. A full disk always stops.
            track: Whether the images are the frames of a film, in their order, in which an id names one object
                throughout: see ``FilmTracker``. Data samples have no such ids.
            channels: Order of the channels of an array, 'bgr' or 'rgb'.
            tile: Side of the tiles in which large images are predicted, in pixels, or 'auto'; None for whole images.
            tiling: Further arguments of ``Tiling``, such as ``overlap``.

        Returns:
            ``predictions``: the dict of ``as_dict``, or the data sample on the CPU, of each image not skipped.
            ``failures``: a ``Failure`` for each other image.

        Raises:
            FileNotFoundError: If a path does not exist.
            ValueError: If an image cannot be read, or a task or the order of the channels is unknown.
        """
        tasks, failures = check_tasks(tasks), list_failures(on_error)
        sources = expand_sources(images, missing_ok=failures is not None)
        tiled = self._tiled(tile, tiling, out_dir, track=track, return_datasamples=return_datasamples)
        settings: dict[str, Any] = dict(batch_size=batch_size, track=track, channels=channels, tiled=tiled)
        found = self._results(sources, out_dir, tasks, failures, return_datasamples, **settings)
        return {'predictions': list(found), 'failures': failures or []}

    def save(
        self,
        images: Sources,
        out_dir: str | os.PathLike[str],
        *,
        tasks: Sequence[str] | None = None,
        batch_size: int = 1,
        on_error: OnError = 'stop',
        track: bool = False,
        channels: Channels = 'bgr',
        formats: Collection[str] = FORMATS,
        resume: bool = False,
        recursive: bool = False,
        num_workers: int | None = 0,
        tile: Side | None = None,
        **tiling: Any,
    ) -> tuple[int, list[Failure]]:
        """Predict images and write the results of each, without keeping them in memory; arguments as in a call.

        Args:
            images: As in a call.
            out_dir: Folder for drawings and results, see ``ResultFolder``.
            tasks: Tasks to predict; by default all.
            batch_size: Number of images per batch.
            on_error: As in a call; after an error or an interruption, the results until then are complete.
            formats: What is written: 'json', 'png', 'coco' and 'pictures', as in ``ResultFolder``.
            track: As in a call.
            channels: As in a call.
            resume: Whether images are skipped whose files an earlier run completed; they stay in the COCO files.
            recursive: Whether the images of subfolders are predicted, too, and their results written to subfolders.
            num_workers: Number of processes that draw and write, and of threads that read; None for as many as pay.
                Some predict, too: see ``predicts_in_processes``.
            tile: As in a call; tiled images are written by this process.
            tiling: As in a call.

        Returns:
            Number of images that were predicted and written, and the failures.
        """
        tasks, failures, share = check_tasks(tasks), list_failures(on_error), this_share()
        check_channels(channels)
        check_film(track, resume=resume, is_shared=share is not None)
        tiled = self._tiled(tile, tiling, out_dir, track=track)
        sources = expand_sources(images, missing_ok=failures is not None, recursive=recursive)
        workers, roots = count_workers(0 if tile else num_workers, sources), folders_in(images) if recursive else ()
        options: dict[str, Any] = dict(formats=formats, resume=resume, roots=roots, num_workers=workers, share=share)
        if not (track or share or batch_size != 1) and self._predicts_in(workers):
            options['work'] = ImageWork(self.reader, self._predictor(), self.metainfo, tasks, channels)
        settings: dict[str, Any] = dict(batch_size=batch_size, track=track, channels=channels, tiled=tiled)
        count = self._save(sources, out_dir, tasks, failures, options, threads=workers, **settings)
        return (count, failures or []) if share is None else share.total(count, failures or [])

    def _save(
        self,
        sources: Iterable[Source],
        out_dir: str | os.PathLike[str],
        tasks: tuple[str, ...],
        failures: list[Failure] | None,
        options: dict[str, Any],
        **settings: Any,
    ) -> int:
        """Predict and write sources; the number of those written. Options are of ``open_saving``."""
        saving = open_saving(out_dir, self.metainfo, sources, tasks, **options)
        with saving, self._tracked(saving.part(sources), known_length(sources)) as shown:
            left = saving.left(shown)
            if 'work' in options:
                return sum(1 for _ in saving.predict_and_write(left, do_work, failures))
            found = self._predict_all(left, tasks, failures, **settings)
            return sum(1 for _ in saving.write(found, methodcaller('output', self.metainfo, tasks), failures))

    def stream(
        self,
        images: Sources,
        *,
        tasks: Sequence[str] | None = None,
        batch_size: int = 1,
        failures: list[Failure] | None = None,
        track: bool = False,
        channels: Channels = 'bgr',
        tile: Side | None = None,
        **tiling: Any,
    ) -> Iterator[Prediction]:
        """Predict images lazily, one batch at a time.

        Args:
            images: As in a call; also an endless iterator.
            tasks: Tasks to predict; by default all.
            batch_size: Number of images per batch.
            failures: List to which images that cannot be read or predicted are added, which are then skipped; None to
                stop at the first.
            track: As in a call.
            channels: As in a call.
            tile: As in a call.
            tiling: As in a call.

        Yields:
            The predictions, in the order of the images.

        Raises:
            FileNotFoundError: If a path does not exist.
            ValueError: If an image cannot be read, or a task or the order of the channels is unknown.
        """
        tasks, sources = check_tasks(tasks), expand_sources(images, missing_ok=failures is not None)
        tiled = self._tiled(tile, tiling, track=track, show_progress=False)
        settings: dict[str, Any] = dict(batch_size=batch_size, track=track, channels=channels, tiled=tiled)
        return self._predict_all(enumerate(sources), tasks, failures, **settings)

    def _predict_all(
        self,
        numbered: Iterable[tuple[int, Source]],
        tasks: tuple[str, ...],
        failures: list[Failure] | None,
        *,
        batch_size: int,
        threads: int = 0,
        track: bool = False,
        channels: Channels = 'bgr',
        tiled: TiledImages | None = None,
    ) -> Iterator[Prediction]:
        """Predict sources, each with its index, lazily; some are read ahead in threads, if there are any."""
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        check_channels(channels)
        if tiled is not None:
            yield from tiled.predict(numbered, tasks, failures, batch_size=batch_size, channels=channels)
            return
        loaded = self.reader.read(numbered, failures, threads=threads, channels=channels)
        tracker = FilmTracker(self.metainfo) if track else None
        predict_all = partial(self._predictor().predict_all, batch_size=batch_size, with_queries=track)
        for prediction in predict_all(loaded, tasks, failures):
            yield prediction if tracker is None else self._with_ids(prediction, tracker, tasks)

    def _predicts_in(self, processes: int) -> bool:
        return predicts_in_processes(self.device, processes) and not self.model.test_cfg.compile

    def _predictor(self) -> BatchPredictor:
        return BatchPredictor(self.model, self.precision, self.device)

    def _tiled(self, *arguments: Any, **options: Any) -> TiledImages | None:
        options = {'show_progress': self.show_progress} | options
        return tiled_images(self.model, self.reader, self.precision, *arguments, **options)

    def _with_ids(self, prediction: Prediction, tracker: FilmTracker, tasks: Sequence[str]) -> Prediction:
        results = prediction.as_dicts(self.metainfo, tasks)
        return prediction._replace(results=tracker.update(results, prediction.sample))

    def _results(
        self,
        sources: Iterable[Source],
        out_dir: str | os.PathLike[str] | None,
        tasks: tuple[str, ...],
        failures: list[Failure] | None,
        as_samples: bool,
        **options: Any,
    ) -> Iterator[ResultDict | DetDataSample | None]:
        """Predict sources, write them if there is a folder, and yield their results."""
        with self._tracked(sources) as shown:
            if out_dir is None:
                for found in self._predict_all(enumerate(shown), tasks, failures, **options):
                    with skipping(failures, found.number, found.source):
                        yield found.sample if as_samples else found.as_dicts(self.metainfo, tasks)
            else:
                with open_saving(out_dir, self.metainfo, sources, tasks) as saving:
                    predictions = self._predict_all(saving.left(enumerate(shown)), tasks, failures, **options)
                    yield from saving.write(predictions, partial(self._kept_output, tasks, as_samples), failures)

    def _kept_output(self, tasks: Sequence[str], as_sample: bool, prediction: Prediction) -> Output:
        output = prediction.output(self.metainfo, tasks)
        return output._replace(kept=prediction.sample if as_sample else output.results)

    def _tracked(self, images: Iterable[Item], total: int | None = None) -> AbstractContextManager[Iterator[Item]]:
        return closing(tracked(images, shown=self.show_progress, total=total))  # the bar ends, also after an error
