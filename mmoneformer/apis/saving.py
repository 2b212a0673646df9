"""Saves the results of many images: which processes draw and write them, and on a CPU predict them, too."""

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

import cv2
import torch

from mmoneformer.apis.batches import BatchPredictor
from mmoneformer.apis.reader import Reader
from mmoneformer.metainfo import Metainfo
from mmoneformer.results.folder import open_folder
from mmoneformer.visualization import sheet_drawer
from mmoneformer_deploy.image_arrays import Channels
from mmoneformer_deploy.image_files import FORMATS, ImageFiles, Written
from mmoneformer_deploy.image_sources import Source, name_of, names_in
from mmoneformer_deploy.result_folder import about_image
from mmoneformer_deploy.saving import Saving
from mmoneformer_deploy.workers import copy_process


class ImageWork(NamedTuple):
    """Reads and predicts an image.

    Attributes:
        reader: Reads it.
        predictor: Predicts it.
        metainfo: The classes.
        tasks: Names of the tasks.
        channels: Order of the channels of an array.
    """

    reader: Reader
    predictor: BatchPredictor
    metainfo: Metainfo
    tasks: Sequence[str]
    channels: Channels

    def write(self, number: int, source: Source, name: str, files: ImageFiles) -> Written:
        """Predict and write an image.

        Args:
            number: Its index.
            source: The image.
            name: Of its files.
            files: Writes them.
        """
        loaded = self.reader.read_one((number, source), self.channels)
        (prediction,) = self.predictor.predict_at_once([loaded], self.tasks)
        results, image, size, _ = prediction.output(self.metainfo, self.tasks)
        return files.write(name, results, image, about_image(name_of(source, number), size))


def open_saving(
    out_dir: str | os.PathLike[str],
    metainfo: Metainfo,
    sources: Iterable[Source],
    tasks: Sequence[str],
    *,
    formats: Collection[str] = FORMATS,
    work: ImageWork | None = None,
    **options: Any,
) -> Saving:
    """Open a folder of results, and start the processes that write them.

    Args:
        out_dir: The folder, see ``ResultFolder``.
        metainfo: The classes.
        sources: The images: none of them is overwritten.
        tasks: The tasks.
        formats: What is written, as in ``ResultFolder``.
        work: What the processes do by ``do_work``; None if this process predicts.
        options: Further arguments of ``Saving``.
    """
    draw, taken = sheet_drawer(metainfo, tasks), names_in(out_dir, sources)
    folder = open_folder(out_dir, metainfo, draw=draw, formats=formats, taken=taken)
    if work is not None:
        options['start'] = partial(_start_processes, work=partial(work.write, files=folder.files))
    return Saving(folder, tasks=tasks, **options)


_WORK: list[Callable[[int, Source, str], Written]] = []  # of this process, if it is one of those


def _start_processes(count: int, work: Callable[[int, Source, str], Written]) -> Executor:
    return copy_process(count, partial(_prepare, work))


def _prepare(work: Callable[[int, Source, str], Written]) -> None:
    """In a new process, which has none of the threads that libraries had started in the one it is a copy of."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    _WORK[:] = [work]


def do_work(number: int, source: Source, name: str) -> Written:
    """Predict and write an image, in one of the processes.

    Args:
        number: Its index.
        source: The image.
        name: Of its files.

    Raises:
        RuntimeError: In place of an error that cannot be sent to another process.
    """
    (work,) = _WORK
    try:
        return work(number, source, name)
    except Exception as error:
        if is_portable(error):
            raise
        raise RuntimeError(str(error) or type(error).__name__) from None


def is_portable(error: Exception) -> bool:
    """Whether an error can be sent to another process."""
    try:
        return isinstance(ForkingPickler.loads(ForkingPickler.dumps(error)), type(error))
    except Exception:  # of any type: classes of errors define how they are copied
        return False
