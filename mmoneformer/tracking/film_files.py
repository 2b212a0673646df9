"""Files of a film's objects: our json, COCO's as of YouTube-VIS, and the text files of MOTS.

Each is a context manager and complete on its exit, with the frames until then also after an interruption or an error.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Any, TextIO, cast

import numpy as np

from mmoneformer.tracking.task_tracking import FilmObject
from mmoneformer_deploy.atomic_files import commit, naming, partial_path, write_json
from mmoneformer_deploy.coco import coco_box, coco_categories
from mmoneformer_deploy.result_dicts import Classes
from mmoneformer_deploy.result_files import JSON_MARK
from mmoneformer_deploy.run_lengths import decode_mask, encode_edges, find_edges

Size = tuple[int, int]


class FilmFile(ABC):
    """Base class of the files of a film.

    Args:
        path: The file; its folder is created if it does not exist.
        metainfo: The classes.

    Attributes:
        count: Number of frames so far.
    """

    def __init__(self, path: Path, metainfo: Classes) -> None:
        self.path, self.metainfo, self.count = path, metainfo, 0

    def __enter__(self) -> 'FilmFile':
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.count:
            self.close()

    def write(self, objects: Sequence[FilmObject], size: Size) -> None:
        """Add the next frame.

        Args:
            objects: What it has.
            size: Height and width of the frame.

        Raises:
            OSError: If the file cannot be written.
        """
        self.add(objects, size)
        self.count += 1

    @abstractmethod
    def add(self, objects: Sequence[FilmObject], size: Size) -> None:
        """Do the work of ``write``."""

    @abstractmethod
    def close(self) -> None:
        """Complete the file."""

    def things(self, objects: Sequence[FilmObject]) -> list[FilmObject]:
        """The objects whose id is not that of a class."""
        return [each for each in objects if each.id > len(self.metainfo['classes'])]


class TextFile(FilmFile):
    """Base class of files that are written frame by frame."""

    last = ''  # text behind the frames
    _file: TextIO | None = None

    def append(self, text: str) -> None:
        """Write text; after a failed write, the file is never completed."""
        part = partial_path(self.path)
        try:
            with naming(self.path):
                self._file = self._file or part.open('w')
                self._file.write(text)
                self._file.flush()
        except OSError:
            self.count = 0
            raise

    def close(self) -> None:
        """Complete the file."""
        self.append(self.last)
        with naming(self.path):
            cast(TextIO, self._file).close()
            commit(partial_path(self.path), self.path)


class JsonFile(TextFile):
    """The objects of each frame: ``{"frames": [{"index": 0, "segments": [{"id": 5, ...}, ...]}, ...]}``."""

    last = '\n]}\n'

    def add(self, objects: Sequence[FilmObject], size: Size) -> None:
        """Add the next frame."""
        segments = [
            {
                'id': each.id,
                'label': each.label,
                'class_name': self.metainfo['classes'][each.label],
                'score': each.score,
                'bbox': each.bbox,
                'area': each.area,
            }
            for each in objects
        ]
        self.append(
            (',\n' if self.count else '{"frames": [\n') + json.dumps({'index': self.count, 'segments': segments})
        )


class MotsFile(TextFile):
    """The things of each frame, one on each line, as in MOTS: frame from 0, id, class, height, width, run lengths.

    The masks of a frame do not overlap: a pixel is that of the thing with the highest score.
    """

    def add(self, objects: Sequence[FilmObject], size: Size) -> None:
        """Add the next frame."""
        taken = np.zeros(size, bool)
        lines = []
        for each in sorted(self.things(objects), key=lambda thing: -(thing.score or 0)):
            mask = decode_mask(each.mask()) & ~taken
            taken |= mask
            if mask.any():
                counts = encode_edges(find_edges(mask.T), size)['counts']
                lines.append(f'{self.count} {each.id} {each.label} {size[0]} {size[1]} {counts}\n')
        self.append(''.join(lines))


class CocoVideoFile(FilmFile):
    """The things of the film, each with its mask in every frame, as in the annotation files of YouTube-VIS.

    It is kept in memory until the end: a few hundred bytes for each thing and frame.

    Args:
        path: The file; its folder is created if it does not exist.
        metainfo: The classes.
    """

    def __init__(self, path: Path, metainfo: Classes) -> None:
        super().__init__(path, metainfo)
        self._size: Size = (0, 0)
        self._seen: dict[int, dict[int, tuple[FilmObject, Any]]] = {}  # by id and frame

    def add(self, objects: Sequence[FilmObject], size: Size) -> None:
        """Add the next frame.

        Raises:
            ValueError: If it has another size than the first one.
        """
        if self.count and size != self._size:
            raise ValueError(
                f'frame {self.count} is {size} pixels (height, width), the frames before {self._size}: a film in '
                f'{self.path} has one size, and this one ends here'
            )
        self._size = size
        for each in self.things(objects):
            self._seen.setdefault(each.id, {})[self.count] = each, each.mask()

    def close(self) -> None:
        """Write the file."""
        height, width = self._size
        film = {'id': 1, 'name': self.path.stem, 'height': height, 'width': width, 'length': self.count}
        annotations = [self._annotation(number, seen) for number, seen in self._seen.items()]
        content = {'categories': coco_categories(self.metainfo), 'videos': [film], 'annotations': annotations}
        write_json(self.path, JSON_MARK | content)

    def _annotation(self, number: int, seen: dict[int, tuple[FilmObject, Any]]) -> dict[str, Any]:
        def in_each_frame(value: Callable[[FilmObject, Any], Any]) -> list[Any]:
            return [value(*seen[frame]) if frame in seen else None for frame in range(self.count)]

        height, width = self._size
        first = next(iter(seen.values()))[0]
        return {
            'id': number,
            'video_id': 1,
            'category_id': first.label,
            'score': fmean(each.score or 0 for each, _ in seen.values()),
            'iscrowd': 0,
            'height': height,
            'width': width,
            'segmentations': in_each_frame(lambda each, mask: mask),
            'bboxes': in_each_frame(lambda each, mask: coco_box(each.bbox)),
            'areas': in_each_frame(lambda each, mask: each.area),
        }
