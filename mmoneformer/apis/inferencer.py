"""Predictions for files, folders, patterns, URLs and arrays."""

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
from mmoneformer.apis.image_sources import Source, Sources, expand_sources, load_source, name_of, stem_of
from mmoneformer.apis.init_model import init_model
from mmoneformer.apis.progress import tracked
from mmoneformer.checkpoints.registered_parts import registered_parts_only
from mmoneformer.registry import TRANSFORMS
from mmoneformer.results.as_dict import ResultDict, as_dict
from mmoneformer.results.folder import ResultFolder
from mmoneformer.tasks import check_tasks
from mmoneformer.visualization import draw_sheet

OnError = Literal['stop', 'skip']


class Prediction(NamedTuple):
    """What is predicted for an image.

    Attributes:
        number: Of the image among those asked for, from 0.
        source: What was asked for.
        image: BGR, uint8 [H, W, 3].
        sample: The results, on the CPU.
    """

    number: int
    source: Source
    image: np.ndarray
    sample: DetDataSample


class Failure(NamedTuple):
    """An image that could not be read.

    Attributes:
        number: Of the image among those asked for, from 0.
        name: Path or URL.
        reason: Why not.
    """

    number: int
    name: str
    reason: str


class OneFormerInferencer:
    """Predicts images with the test pipeline of the model's config.

    It is called as the inferencers of mmdet and mmseg are, but is none of mmengine's: their construction runs the
    code that a checkpoint's config may hold, and a call keeps all images.

    Args:
        model: File of the config, or config; None for the config that the weights carry.
        weights: File of the weights, or a name of ones to download, as init_model takes it.
        device: As for ``resolve_device``: 'auto' for an accelerator where there is one, else the CPU.
        precision: 'float32', 'bfloat16' or 'float16'; the lower ones where that is safe (torch's autocast).
        show_progress: Whether several images are predicted under a bar.

    Raises:
        ValueError: As ``init_model``, if the precision is unknown, or if the config has no ``test_pipeline`` that
            begins by loading a file.
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
            raise ValueError(
                f'the config needs a test_pipeline that begins with LoadImageFromFile, it has {steps[:1]}'
            )
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
        """Predict images; all tasks from one pass of each through the backbone.

        All results are kept: use ``save`` or ``stream`` for more images than fit in memory.

        Args:
            images: What ``expand_sources`` takes: a file, a folder (its pictures, by name), a pattern, a URL, an array
                (BGR, uint8 [H, W, 3]), or several of these.
            tasks: Tasks to predict; by default all.
            batch_size: How many images pass at once.
            out_dir: Folder to write pictures and results to, as ``ResultFolder.write`` says; None for nowhere.
            return_datasamples: Give data samples in place of dicts.
            on_error: What an image that cannot be read does: 'stop', or 'skip' with a warning.

        Returns:
            ``predictions``, one for each image that could be read: dicts of ``as_dict``, or data samples on the CPU.
            ``failures``: a ``Failure`` for each that could not.

        Raises:
            FileNotFoundError: If a path does not exist.
            ValueError: If an image cannot be read or a task is unknown.
        """
        tasks, failures = check_tasks(tasks), _failures(on_error)
        predictions: list[ResultDict | DetDataSample] = []
        with nullcontext() if out_dir is None else ResultFolder(out_dir, self.model.dataset_meta) as folder:
            for found in self._tracked(images, tasks, batch_size, failures):
                results = {} if return_datasamples and folder is None else self._as_dict(found, tasks)
                if folder is not None:
                    self._write(folder, found, results, tasks)
                predictions.append(found.sample if return_datasamples else results)
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
        """Predict images and write the results of each as they come; arguments as in a call, and none is kept.

        What was written stays and is complete, also after an error or an interruption.

        Returns:
            How many images were written, and those that could not be read.
        """
        tasks, failures, count = check_tasks(tasks), _failures(on_error), 0
        with ResultFolder(out_dir, self.model.dataset_meta) as folder:
            for count, found in enumerate(self._tracked(images, tasks, batch_size, failures), start=1):  # noqa: B007
                self._write(folder, found, self._as_dict(found, tasks), tasks)
        return count, failures or []

    def stream(
        self,
        images: Sources,
        *,
        tasks: Sequence[str] | None = None,
        batch_size: int = 1,
        failures: list[Failure] | None = None,
    ) -> Iterator[Prediction]:
        """Predict images one batch at a time, as they are asked for.

        Args:
            images: As in a call; an iterator may be endless.
            tasks: Tasks to predict; by default all.
            batch_size: How many images pass at once.
            failures: Where to add images that cannot be read, which are then skipped; None to stop at the first.

        Raises:
            FileNotFoundError: If a path does not exist.
            ValueError: If an image cannot be read or a task is unknown.
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
        """Yield images that wait for their results, and what the model takes of each."""
        for number, source in enumerate(sources):
            try:
                loaded = load_source(source, self.loader)
                image = loaded['img']
                packed = self.pipeline(loaded)
            except (OSError, ValueError) as error:
                if failures is None:
                    raise
                failures.append(Failure(number, name_of(source, number), str(error)))
                print_log(f'left out: {error}', 'current')
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

    def _write(self, folder: ResultFolder, found: Prediction, results: ResultDict, tasks: Sequence[str]) -> None:
        drawing = draw_sheet(found.image[..., ::-1].copy(), found.sample, self.model.dataset_meta, tasks)
        height, width = found.image.shape[:2]
        folder.write(stem_of(found.source, found.number), results, drawing, (height, width))

    def _as_dict(self, found: Prediction, tasks: Sequence[str]) -> ResultDict:
        return as_dict(found.sample, self.model.dataset_meta, tasks)


def _failures(on_error: OnError) -> list[Failure] | None:
    """Where failures are gathered; None if the first one stops.

    Raises:
        ValueError: If ``on_error`` is neither 'stop' nor 'skip'.
    """
    if on_error not in ('stop', 'skip'):
        raise ValueError(f"on_error must be 'stop' or 'skip', got {on_error!r}")
    return [] if on_error == 'skip' else None
