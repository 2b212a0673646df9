"""The models of a page, each of which serves one request after the other."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.results.as_dict import to_plain
from mmoneformer.results.coco_files import CocoFiles
from mmoneformer.results.folder import ResultFolder
from mmoneformer.tasks import check_tasks
from mmoneformer.visualization import draw_sheet
from mmoneformer.web.task_view import TaskView, view_task

MAX_WAITING = 16  # requests of a model; more would wait for minutes


class BusyError(RuntimeError):
    """Too many requests wait for a model."""


class Answer(NamedTuple):
    """What a request gets.

    Attributes:
        views: Of each task asked for.
        files: The results, for other programs.
    """

    views: list[TaskView]
    files: list[Path]


class ModelQueue:
    """Takes requests for models; a model computes one at a time, in the order they came.

    Args:
        models: By name.
    """

    def __init__(self, models: Mapping[str, OneFormerInferencer]) -> None:
        self._models = dict(models)
        self._locks = {name: asyncio.Lock() for name in models}
        self._waiting = dict.fromkeys(models, 0)

    @property
    def names(self) -> list[str]:
        """Of the models."""
        return list(self._models)

    async def predict(self, name: str, image: np.ndarray, tasks: Sequence[str], folder: Path, stem: str) -> Answer:
        """Predict an image, when its turn has come.

        Args:
            name: Of the model.
            image: RGB, uint8 [H, W, 3].
            tasks: Which results to give.
            folder: Where to write the files.
            stem: Begins their names.

        Raises:
            BusyError: If too many requests wait already.
            ValueError: If a task is unknown, or there is none.
        """
        tasks = check_tasks(tasks)
        if self._waiting[name] >= MAX_WAITING:
            raise BusyError(f'{MAX_WAITING} pictures wait for {name} already: please try again later.')
        self._waiting[name] += 1
        try:
            async with self._locks[name]:
                return await asyncio.to_thread(_answer, self._models[name], image, tasks, folder, stem)
        finally:
            self._waiting[name] -= 1


def _answer(model: OneFormerInferencer, image: np.ndarray, tasks: Sequence[str], folder: Path, stem: str) -> Answer:
    metainfo = model.model.dataset_meta
    (found,) = model.stream([np.ascontiguousarray(image[..., ::-1])], tasks=tasks)
    with ResultFolder(folder, metainfo) as written:
        sheet = draw_sheet(image, found.sample, metainfo, tasks)
        written.write(stem, to_plain(found.sample, metainfo, tasks), sheet, image.shape[:2])
    files = [file for file in sorted(folder.iterdir()) if file.name not in CocoFiles.NAMES]  # these repeat the others
    return Answer([view_task(image, found.sample, task, metainfo) for task in tasks], files)
