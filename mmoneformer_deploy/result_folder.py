"""Results as files: drawings, and what other programs read."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmoneformer_deploy.atomic_files import write_bytes
from mmoneformer_deploy.coco import (
    CocoFile,
    coco_categories,
    coco_instances,
    coco_segments,
    instance_annotations,
    panoptic_annotations,
)
from mmoneformer_deploy.result_dicts import Classes, ResultDict
from mmoneformer_deploy.result_files import JSON_MARK, FreeNames, marked_png


@dataclass(frozen=True)
class TaskFiles:
    """How the results of a task are written.

    Attributes:
        key: Key of the result in ``NAME.json``.
        content: Converts a result, see ``result_dicts``, to the value of that key.
        png: Makes ``NAME_<task>.png``, whose ``file_name`` is added to the content, a dict; None for no such file.
        coco_file: Name of the COCO file of all images; empty for none.
        annotations: Converts the content to the annotations of that file, given the ids of the image and of the first
            annotation.
    """

    key: str
    content: Callable[[ResultDict], Any]
    png: Callable[[ResultDict, Classes], Image.Image] | None = None
    coco_file: str = ''
    annotations: Callable[[Any, int, int], list[ResultDict]] | None = None


Draw = Callable[[np.ndarray, ResultDict], np.ndarray]  # an image and its results, to a drawing: all RGB, uint8


class ResultFolder:
    """A folder of results. Each file appears complete or not at all.

    It is a context manager: on exit, also after an exception, the COCO files of all images are completed.

    Args:
        path: The folder, created if it does not exist. Results of an earlier run are replaced, other files are kept.
        metainfo: The classes.
        tasks: How the results of each task are written.
        draw: Draws an image; None to write no drawings.
        taken: Names of files in the folder that are kept although they may be results of an earlier run.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        metainfo: Classes,
        *,
        tasks: Mapping[str, TaskFiles],
        draw: Draw | None = None,
        taken: Iterable[str] = (),
    ) -> None:
        self.path = Path(path)
        self.metainfo = metainfo
        self._tasks = tasks
        self._draw = draw
        self.path.mkdir(parents=True, exist_ok=True)
        self._images: list[ResultDict] = []
        self._coco_files: dict[str, CocoFile] = {}
        self._names = FreeNames(self.path, taken)
        coco_files = [files.coco_file for files in tasks.values()]
        self._coco_names = {file_name: self._coco_name(file_name) for file_name in coco_files if file_name}

    def __enter__(self) -> 'ResultFolder':
        return self

    def __exit__(self, *error: object) -> None:
        for file in self._coco_files.values():
            file.close(self._images)
        self._coco_files.clear()

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
        drawing = None if self._draw is None else self._draw(image, results)
        name = self._names.claim(stem, self._possible_files)
        content: ResultDict = JSON_MARK | {'name': name, 'categories': coco_categories(self.metainfo)}
        contents = {}
        tasks = [task for task in self._tasks if task in results]
        for task in tasks:
            files = self._tasks[task]
            content[files.key] = files.content(results[task])
            if files.png is not None:
                file_name = f'{name}_{task}.png'
                contents[file_name] = _encode(files.png(results[task], self.metainfo))
                content[files.key] = {'file_name': file_name, **content[files.key]}
        contents[f'{name}.json'] = json.dumps(content).encode()
        if drawing is not None:
            contents[f'{name}.png'] = _encode(Image.fromarray(drawing))
        written = self._save(contents)
        self._annotate(tasks, content, size)
        return written

    def _annotate(self, tasks: list[str], content: ResultDict, size: tuple[int, int]) -> None:
        """Add an image to the COCO files of its tasks."""
        height, width = size
        image_id = len(self._images) + 1
        self._images.append({'id': image_id, 'file_name': content['name'], 'height': height, 'width': width})
        for task in tasks:
            files = self._tasks[task]
            if files.annotations is None:
                continue
            if files.coco_file not in self._coco_files:
                path = self.path / self._coco_names[files.coco_file]
                self._coco_files[files.coco_file] = CocoFile(path, self.metainfo)
            file = self._coco_files[files.coco_file]
            for annotation in files.annotations(content[files.key], image_id, file.count + 1):
                file.append(annotation)

    def _possible_files(self, name: str) -> list[str]:
        """Files that an image of this name may have."""
        pngs = (f'_{task}.png' for task, files in self._tasks.items() if files.png is not None)
        return [name + ending for ending in ('.png', '.json', *pngs)]

    def _coco_name(self, file_name: str) -> str:
        """The name of a COCO file; with a number if a file of that name is kept."""
        stem, suffix = os.path.splitext(file_name)
        return self._names.claim(stem, lambda name: [name + suffix]) + suffix

    def _save(self, contents: Mapping[str, bytes]) -> list[Path]:
        """Write files by name; none of them stays if one cannot be written."""
        written = []
        try:
            for file_name, content in contents.items():
                write_bytes(self.path / file_name, content)
                written.append(self.path / file_name)
        except Exception:
            for path in written:
                path.unlink(missing_ok=True)
            raise
        return written


def _encode(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, 'PNG', compress_level=1)  # the default takes longer than the rest of the prediction
    return marked_png(buffer.getvalue())


def _id_image(panoptic: ResultDict, metainfo: Classes) -> Image.Image:
    id_map = panoptic['id_map']
    pixels = np.ascontiguousarray(id_map, '<u4')  # R, G, B and a byte of zeros
    return Image.frombuffer('RGBX', id_map.shape[::-1], pixels, 'raw', 'RGBX', 0, 1).convert('RGB')


def _label_image(semantic: ResultDict, metainfo: Classes) -> Image.Image:
    image = Image.fromarray(semantic['label_map'])
    image.putpalette(np.array(metainfo['palette'], np.uint8).tobytes())
    return image


TASK_FILES = {
    'panoptic': TaskFiles(
        key='panoptic',
        content=lambda result: {'segments_info': coco_segments(result)},
        png=_id_image,
        coco_file='panoptic.json',
        annotations=panoptic_annotations,
    ),
    'instance': TaskFiles(
        key='instances', content=coco_instances, coco_file='instances.json', annotations=instance_annotations
    ),
    'semantic': TaskFiles(key='semantic', content=lambda _: {}, png=_label_image),
}
