"""Queues of requests: each model of the page computes one request at a time."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from mmoneformer.apis.prediction import Prediction
from mmoneformer.metainfo import Metainfo
from mmoneformer.results.folder import open_folder
from mmoneformer.tasks import check_tasks
from mmoneformer.visualization import sheet_drawer
from mmoneformer.web.cards import TaskView, view_task

MAX_WAITING = 16  # requests of a model; further ones would wait for minutes


class PageModel(Protocol):
    """What the page needs of a model: ``OneFormerInferencer`` and ``ExportedModel`` have it."""

    @property
    def metainfo(self) -> Metainfo:
        """The classes."""

    def stream(self, images: Iterable[np.ndarray], *, tasks: Sequence[str]) -> Iterator[Prediction]:
        """Predict images, BGR, uint8 [H, W, 3]."""


class BusyError(RuntimeError):
    """Too many requests are waiting for a model."""


class Answer(NamedTuple):
    """Answer to a request.

    Attributes:
        views: The result of each task.
        files: Files of the results, to download.
    """

    views: list[TaskView]
    files: list[Path]


class ModelQueue:
    """Predicts images with one of several models; requests of the same model are served in order of arrival.

    Args:
        models: Models by name.
    """

    def __init__(self, models: Mapping[str, PageModel]) -> None:
        self._models = dict(models)
        self._locks = {name: asyncio.Lock() for name in models}
        self._waiting = dict.fromkeys(models, 0)

    @property
    def names(self) -> list[str]:
        """Names of the models."""
        return list(self._models)

    async def predict(self, name: str, image: np.ndarray, tasks: Sequence[str], folder: Path, stem: str) -> Answer:
        """Predict an image once the model has served the requests before.

        Args:
            name: Name of the model.
            image: RGB, uint8 [H, W, 3].
            tasks: Names of the tasks.
            folder: Folder to write the files to.
            stem: Start of their names.

        Raises:
            BusyError: If too many requests are waiting already.
            ValueError: If a task is unknown, or there is none.
        """
        tasks = check_tasks(tasks)
        if self._waiting[name] >= MAX_WAITING:
            raise BusyError(f'{MAX_WAITING} images are waiting for {name} already: please try again later.')
        self._waiting[name] += 1
        try:
            async with self._locks[name]:
                return await asyncio.to_thread(_answer, self._models[name], image, tasks, folder, stem)
        finally:
            self._waiting[name] -= 1


def _answer(model: PageModel, image: np.ndarray, tasks: Sequence[str], folder: Path, stem: str) -> Answer:
    metainfo = model.metainfo
    (found,) = model.stream([np.ascontiguousarray(image[..., ::-1])], tasks=tasks)
    results = found.as_dicts(metainfo, tasks)
    with open_folder(folder, metainfo, draw=sheet_drawer(metainfo, tasks)) as written:
        files = written.write(stem, results, image, (image.shape[0], image.shape[1]))
    return Answer([view_task(image, results, task, metainfo) for task in tasks], sorted(files))
