"""Results as files: drawings, and what other programs read."""

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from mmoneformer_deploy.coco_files import CocoFiles
from mmoneformer_deploy.image_files import FORMATS, Draw, ImageFiles
from mmoneformer_deploy.result_dicts import Classes, ResultDict
from mmoneformer_deploy.result_files import JSON_MARK, FreeNames
from mmoneformer_deploy.task_files import TaskFiles


class ResultFolder:
    """A folder of results. Each file appears complete or not at all.

    It is a context manager: on exit, also after an exception, the COCO files of all images are completed.

    Args:
        path: The folder, created if it does not exist. Results of an earlier run are replaced, other files are kept.
        metainfo: The classes.
        tasks: How the results of each task are written.
        draw: Draws an image; None to write no drawings.
        formats: What is written: 'json' and 'png' of each image; 'coco' files of all images, where ``panoptic.json``
            needs the PNGs; and 'pictures', the drawings.
        taken: Names of files in the folder that are kept although they may be results of an earlier run.

    Raises:
        PermissionError: If the folder cannot be written to.
        ValueError: If a format is unknown, or there is none.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        metainfo: Classes,
        *,
        tasks: Mapping[str, TaskFiles],
        draw: Draw | None = None,
        formats: Collection[str] = FORMATS,
        taken: Iterable[str] = (),
    ) -> None:
        check_formats(formats)
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        if not os.access(self.path, os.W_OK):
            raise PermissionError(f'the folder {self.path} cannot be written to: choose another one for the results')
        shown = draw if 'pictures' in formats else None
        self.files = ImageFiles(folder=self.path, classes=metainfo, tasks=tasks, draw=shown, formats=tuple(formats))
        self._names = FreeNames(self.path, taken)
        in_coco = {
            task: files
            for task, files in tasks.items()
            if files.coco_file and 'coco' in formats and (files.png is None or 'png' in formats)
        }
        self._coco = CocoFiles(self.path, metainfo, in_coco, self._names)

    def __enter__(self) -> 'ResultFolder':
        return self

    def __exit__(self, *error: object) -> None:
        self._coco.close()

    def write(self, stem: str, results: ResultDict, image: np.ndarray, size: tuple[int, int]) -> list[Path]:
        """Write the files of an image, and add its annotations to the COCO files.

        ``NAME.png`` is the drawing; ``NAME.json`` has the segments and instances in COCO's format (``category_id`` is
        the class index); ``NAME_panoptic.png`` the segment ids as R + 256 G + 65536 B, 0 where there is no segment;
        ``NAME_semantic.png`` the class indices, with the palette. ``panoptic.json`` and ``instances.json`` are COCO
        annotations of all images.

        Args:
            stem: The NAME; a number is appended if it is the name of another image of this run, or of a file that is
                kept.
            results: Results by task, see ``result_dicts``.
            image: The image that is drawn, RGB, uint8 [H', W', 3].
            size: Height and width of the results.

        Returns:
            The files of the image.
        """
        written = self.files.write(self.claim(stem), results, image, about_image(stem, size))
        self.add(written.content)
        return written.paths

    def claim(self, stem: str, subfolder: PurePosixPath | None = None) -> str:
        """Give an image its NAME, as in ``write``; with the subfolder that its files are in."""
        return self._names.claim(stem, self.files.possible_names, subfolder=subfolder)

    def add(self, content: ResultDict) -> None:
        """Add an image that was written to the COCO files."""
        self._coco.add(content)

    def finished(self, name: str, file_name: str, tasks: Iterable[str]) -> ResultDict | None:
        """The content of the json of an image whose files are complete, else None.

        Args:
            name: The NAME.
            file_name: The source; files of another one are not those of the image.
            tasks: The tasks whose results are needed.
        """
        try:
            content = self.files.read(name)
            is_of_image = content['info'] == JSON_MARK['info'] and content['image']['file_name'] == file_name
            has_tasks = all(self.files.tasks[task].key in content for task in tasks)
            self._coco.check(content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # whatever else may be in such a file
            return None
        there = all((self.path / file).is_file() for file in self.files.names(name, tasks))
        return content if is_of_image and has_tasks and there else None


def about_image(file_name: str, size: tuple[int, int]) -> ResultDict:
    """What the json of an image says of it: its source, as it was given, and the height and width of the results."""
    return {'file_name': file_name, 'height': size[0], 'width': size[1]}


def check_formats(formats: Collection[str]) -> None:
    """Check what is to be written.

    Raises:
        ValueError: If a format is unknown, or there is none.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats or isinstance(formats, str):
        raise ValueError(f'unknown formats {unknown}, got {formats!r}: choose one or more of {list(FORMATS)}')
