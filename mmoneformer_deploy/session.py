"""Prediction with an exported file."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mmoneformer_deploy.description import Description
from mmoneformer_deploy.drawing import draw_sheet
from mmoneformer_deploy.failures import Failure, OnError, list_failures, skipping
from mmoneformer_deploy.image_arrays import Channels, check_channels, rgb_array
from mmoneformer_deploy.image_files import FORMATS
from mmoneformer_deploy.image_sources import IN_MEMORY, Source, Sources, expand_sources, folders_in, names_in
from mmoneformer_deploy.in_order import read_ahead
from mmoneformer_deploy.mask_tiles import MaskGeometry
from mmoneformer_deploy.read_image import read_image
from mmoneformer_deploy.resize import resize_image, resized_size
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_deploy.result_folder import ResultFolder
from mmoneformer_deploy.runtimes import Network, open_network
from mmoneformer_deploy.saving import Output, Saving
from mmoneformer_deploy.task_files import TASK_FILES
from mmoneformer_deploy.task_results import RESULTS, ImageLogits, check_tasks, classes_of
from mmoneformer_deploy.workers import count_workers


class Session:
    """Predicts images with a file that ``mmoneformer export`` wrote; neither torch nor mmoneformer is needed.

    It may be used from several threads.

    Args:
        path: A file of ONNX (.onnx), which onnxruntime runs, or of OpenVINO (.xml, with a .bin of the same name).
        providers: Execution providers of onnxruntime, by preference; None for CUDA where it is available, else the
            CPU.

    Attributes:
        network: Runs the graph; may be replaced by another one with the same interface, such as a client of a server.
        description: What the file says about itself: classes, tasks, sizes, thresholds.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If the runtime is not installed.
        ValueError: If the file is not an exported model, or a provider is not available.
    """

    def __init__(self, path: str | os.PathLike[str], providers: Sequence[Any] | None = None) -> None:
        self.network: Network = open_network(path, providers)
        self.description: Description = self.network.description

    def __call__(self, image: Source, tasks: Iterable[str] | None = None, *, channels: Channels = 'bgr') -> ResultDict:
        """Predict an image; the tasks share one pass through the backbone.

        Args:
            image: A file, an image of Pillow, or an array (uint8 [H, W, 3]).
            tasks: Of 'panoptic', 'instance', 'semantic'; by default all.
            channels: Order of the channels of an array, 'bgr' or 'rgb'.

        Returns:
            A dict for each task, as ``OneFormerInferencer`` returns it: see ``panoptic_dict``, ``instance_dict`` and
            ``semantic_dict`` of ``result_dicts``.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the image cannot be read, or a task or the order of the channels is unknown.
        """
        check_channels(channels)
        return self._predict(_load(image, channels), check_tasks(tasks, self.description.tasks))

    def save(
        self,
        images: Sources,
        out_dir: str | os.PathLike[str],
        *,
        tasks: Iterable[str] | None = None,
        on_error: OnError = 'stop',
        channels: Channels = 'bgr',
        formats: Collection[str] = FORMATS,
        resume: bool = False,
        recursive: bool = False,
        num_workers: int | None = 0,
    ) -> tuple[int, list[Failure]]:
        """Predict images and write the results of each, as ``OneFormerInferencer.save`` does.

        After an error or an interruption, the results of the images until then are complete.

        Args:
            images: A file, a folder, a pattern, an image of Pillow, an array (uint8 [H, W, 3]), or several of these;
                see ``expand_sources``.
            out_dir: Folder for drawings and results, see ``ResultFolder``.
            tasks: As in a call.
            on_error: What to do with an image that cannot be read, predicted, drawn or written: 'stop' with the error,
                or 'skip' it. A full disk always stops.
            channels: As in a call.
            formats: What is written: 'json', 'png', 'coco' and 'pictures', as in ``ResultFolder``.
            resume: Whether images are skipped whose files an earlier run completed; they stay in the COCO files.
            recursive: Whether the images of subfolders are predicted, too, and their results written to subfolders.
            num_workers: Number of processes that draw and write, and of threads that read, while the model runs; None
                for as many as pay.

        Returns:
            Number of images that were predicted and written, and the failures.
        """
        check_channels(channels)
        names, failures = check_tasks(tasks, self.description.tasks), list_failures(on_error)
        sources = expand_sources(images, missing_ok=failures is not None, recursive=recursive)
        classes = classes_of(self.description)
        draw, taken = partial(draw_sheet, classes=classes), names_in(out_dir, sources)
        folder = ResultFolder(out_dir, classes, tasks=TASK_FILES, draw=draw, formats=formats, taken=taken)
        roots, workers = folders_in(images) if recursive else (), count_workers(num_workers, sources)
        with Saving(folder, tasks=names, num_workers=workers, resume=resume, roots=roots) as saving:
            loaded = read_ahead(saving.left(enumerate(sources)), lambda item: _load(item[1], channels), workers)
            count = sum(1 for _ in saving.write(self._predict_all(loaded, names, failures), _output, failures))
        return count, failures or []

    def _predict_all(
        self,
        loaded: Iterable[tuple[tuple[int, Source], 'Future[np.ndarray]']],
        tasks: Sequence[str],
        failures: list[Failure] | None,
    ) -> Iterator['_Predicted']:
        for (number, source), loading in loaded:
            found = None
            with skipping(failures, number, source):
                image = loading.result()
                found = _Predicted(number, source, image, self._predict(image, tasks))
            if found is not None:
                yield found

    def _predict(self, image: np.ndarray, tasks: Sequence[str]) -> ResultDict:
        inputs, geometry = prepare_image(image, self.description)
        positions = np.array([self.description.tasks.index(task) for task in tasks])
        class_logits, mask_logits = (part[0] for part in self.network(inputs, positions))
        return {
            task: RESULTS[task](ImageLogits(class_logits[number], mask_logits[number], geometry), self.description)
            for number, task in enumerate(tasks)
        }


class _Predicted(NamedTuple):
    number: int
    source: Source
    image: np.ndarray
    results: ResultDict


def _output(found: _Predicted) -> Output:
    return Output(found.results, found.image, (found.image.shape[0], found.image.shape[1]))


def prepare_image(image: np.ndarray, description: Description) -> tuple[np.ndarray, MaskGeometry]:
    """Resize and pad an image.

    Args:
        image: RGB, uint8 [H, W, 3].
        description: Says how.

    Returns:
        The network's input, float32 [1, 3, H', W'], and the sizes on the way.
    """
    original = (image.shape[0], image.shape[1])
    if description.resize is not None:
        size = resized_size(original, description.resize['scale'], keep_ratio=description.resize['keep_ratio'])
        image = resize_image(image, size)
    height, width = image.shape[:2]
    divisor = description.size_divisor
    padded = (-(-height // divisor) * divisor, -(-width // divisor) * divisor)
    inputs = np.empty((1, 3, *padded), np.float32)
    inputs[:] = np.array(description.pad_value, np.float32)[:, None, None]
    inputs[0, :, :height, :width] = image.transpose(2, 0, 1)
    return inputs, MaskGeometry(padded, (height, width), original)


def _load(source: Source, channels: Channels) -> np.ndarray:
    """An image, RGB, uint8 [H, W, 3]."""
    if isinstance(source, IN_MEMORY):
        return rgb_array(source, channels)
    if '://' in os.fspath(source):
        raise ValueError(f'{source} is a URL, which is not read here: download the image')
    return read_image(source)
