"""The files of an image: written in any process, each completely or not at all."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from mmoneformer_deploy.atomic_files import write_bytes
from mmoneformer_deploy.coco import coco_categories
from mmoneformer_deploy.png import encode_png
from mmoneformer_deploy.result_dicts import Classes, ResultDict
from mmoneformer_deploy.result_files import JSON_MARK
from mmoneformer_deploy.task_files import TaskFiles

FORMATS = ('json', 'png', 'coco', 'pictures')

Draw = Callable[[np.ndarray, ResultDict], np.ndarray]  # an image and its results, to a drawing: all RGB, uint8


class Written(NamedTuple):
    """What was written of an image.

    Attributes:
        paths: Its files.
        content: The content of its json, whether that is among them or not.
    """

    paths: list[Path]
    content: ResultDict


@dataclass(frozen=True, kw_only=True)
class ImageFiles:
    """Writes the files of images; passes to other processes.

    Attributes:
        folder: Folder of the files.
        classes: The classes.
        tasks: How the results of each task are written.
        draw: Draws an image; None to write no drawings.
        formats: Which of ``FORMATS`` are written.
    """

    folder: Path
    classes: Classes
    tasks: Mapping[str, TaskFiles]
    draw: Draw | None
    formats: Collection[str] = FORMATS

    def possible_names(self, name: str) -> list[str]:
        """Names of the files that an image of this name may have."""
        pngs = (f'_{task}.png' for task, files in self.tasks.items() if files.png is not None)
        return [name + ending for ending in ('.png', '.json', *pngs)]

    def names(self, name: str, tasks: Iterable[str]) -> list[str]:
        """Names of the files that are written of an image with the results of these tasks."""
        pictures = ['.png'] if self.draw is not None and 'pictures' in self.formats else []
        pngs = [f'_{task}.png' for task in tasks if self.tasks[task].png is not None and 'png' in self.formats]
        return [name + ending for ending in (*pictures, *pngs, *(['.json'] if 'json' in self.formats else []))]

    def write(self, name: str, results: ResultDict, image: np.ndarray, about: ResultDict) -> Written:
        """Write the files of an image, its json last.

        Args:
            name: The NAME of its files, with folders.
            results: Results by task, see ``result_dicts``.
            image: The image that is drawn, RGB, uint8 [H', W', 3].
            about: ``file_name`` of the source, ``height`` and ``width`` of the results.
        """
        content: ResultDict = JSON_MARK | {'name': name, 'image': about, 'categories': coco_categories(self.classes)}
        contents = {}
        for task in (task for task in self.tasks if task in results):
            files = self.tasks[task]
            content[files.key] = files.content(results[task])
            if files.png is not None and 'png' in self.formats:
                file_name = f'{name}_{task}.png'
                contents[file_name] = encode_png(files.png(results[task], self.classes))
                content[files.key] = {'file_name': file_name, **content[files.key]}
        if self.draw is not None and 'pictures' in self.formats:
            contents[f'{name}.png'] = encode_png(Image.fromarray(self.draw(image, results)))
        if 'json' in self.formats:
            contents[f'{name}.json'] = json.dumps(content).encode()
        return Written(self._save(contents), content)

    def read(self, name: str) -> ResultDict:
        """The content of the json of an image."""
        return json.loads((self.folder / f'{name}.json').read_bytes())

    def _save(self, contents: Mapping[str, bytes]) -> list[Path]:
        """Write files by name; none of them stays if one cannot be written."""
        written = []
        try:
            for file_name, content in contents.items():
                write_bytes(self.folder / file_name, content)
                written.append(self.folder / file_name)
        except Exception:
            for path in written:
                path.unlink(missing_ok=True)
            raise
        return written
