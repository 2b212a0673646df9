"""The COCO files of a run: annotations of all images, complete even if the run is interrupted."""

import os
from collections.abc import Mapping
from pathlib import Path

from mmoneformer_deploy.coco import CocoFile
from mmoneformer_deploy.result_dicts import Classes, ResultDict
from mmoneformer_deploy.result_files import FreeNames
from mmoneformer_deploy.task_files import TaskFiles


class CocoFiles:
    """Adds images to the COCO files of their tasks, each of which begins with its first image.

    Args:
        folder: Folder of the files.
        classes: The classes.
        tasks: The tasks that have a COCO file, and how their results are written.
        names: Gives the files their names; with a number if a file of that name is kept.
    """

    def __init__(self, folder: Path, classes: Classes, tasks: Mapping[str, TaskFiles], names: FreeNames) -> None:
        self._folder = folder
        self._classes = classes
        self._tasks = tasks
        self._images: list[ResultDict] = []
        self._files: dict[str, CocoFile] = {}
        self._names = {files.coco_file: _free_name(files.coco_file, names) for files in tasks.values()}

    def add(self, content: ResultDict) -> None:
        """Add an image.

        Args:
            content: The content of its json, see ``ImageFiles``.
        """
        image_id = len(self._images) + 1
        size = {side: content['image'][side] for side in ('height', 'width')}
        self._images.append({'id': image_id, 'file_name': content['name'], **size})
        for files in self._tasks.values():
            if files.key in content:
                file = self._file(files.coco_file)
                for annotation in _annotations(files, content, image_id, file.count + 1):
                    file.append(annotation)

    def check(self, content: ResultDict) -> None:
        """Check what was read from a file, of whoever wrote it: ``add`` will not fail.

        Raises:
            KeyError, TypeError, ValueError: If something is missing or of another type.
        """
        _ = content['name'], content['image']['height'], content['image']['width']
        for files in self._tasks.values():
            if files.key in content:
                _annotations(files, content, 1, 1)

    def close(self) -> None:
        """Complete the files."""
        for file in self._files.values():
            file.close(self._images)
        self._files.clear()

    def _file(self, name: str) -> CocoFile:
        if name not in self._files:
            self._files[name] = CocoFile(self._folder / self._names[name], self._classes)
        return self._files[name]


def _annotations(files: TaskFiles, content: ResultDict, image_id: int, first_id: int) -> list[ResultDict]:
    return [] if files.annotations is None else files.annotations(content[files.key], image_id, first_id)


def _free_name(file_name: str, names: FreeNames) -> str:
    stem, suffix = os.path.splitext(file_name)
    return names.claim(stem, lambda name: [name + suffix]) + suffix
