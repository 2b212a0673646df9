"""Results in COCO's formats; a ``category_id`` is the class index, a ``bbox`` is x, y, width, height in pixels."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmoneformer_deploy.atomic_files import commit, naming, partial_path
from mmoneformer_deploy.result_dicts import Classes, ResultDict
from mmoneformer_deploy.result_files import JSON_MARK
from mmoneformer_deploy.run_lengths import mask_area


def coco_categories(metainfo: Classes) -> list[ResultDict]:
    """The ``categories`` of a data set's classes."""
    things = metainfo['thing_ids']
    return [
        {'id': label, 'name': name, 'isthing': int(label in things)} for label, name in enumerate(metainfo['classes'])
    ]


def coco_segments(panoptic: ResultDict) -> list[ResultDict]:
    """The ``segments_info`` of a panoptic result."""
    return [
        {
            'id': segment['id'],
            'category_id': segment['label'],
            'isthing': int(segment['is_thing']),
            'area': segment['area'],
            'score': segment['score'],
            'bbox': coco_box(segment['bbox']),
            'iscrowd': 0,
        }
        for segment in panoptic['segments']
    ]


def coco_instances(instances: ResultDict) -> list[ResultDict]:
    """The instances of an instance result, as in COCO's result files; tracked ones have a ``track_id``."""
    rows = zip(*(instances[key] for key in ('labels', 'scores', 'bboxes', 'masks')), strict=True)
    found: list[ResultDict] = [
        {'category_id': label, 'score': score, 'bbox': coco_box(box), 'segmentation': mask}
        for label, score, box, mask in rows
    ]
    for instance, track_id in zip(found, instances.get('ids', ()), strict=False):
        instance['track_id'] = track_id
    return found


def coco_box(box: Sequence[float]) -> list[float]:
    """x, y, width and height of a box, given as x1, y1, x2, y2."""
    left, top, right, bottom = box
    return [left, top, right - left, bottom - top]


def panoptic_annotations(panoptic: ResultDict, image_id: int, first_id: int) -> list[ResultDict]:
    """The annotation of an image in a panoptic file, which has no id.

    Args:
        panoptic: ``file_name`` of the PNG and ``segments_info``.
        image_id: Id of the image.
        first_id: Ignored; ``instance_annotations`` needs it.
    """
    return [{'image_id': image_id, **panoptic}]


def instance_annotations(instances: Sequence[ResultDict], image_id: int, first_id: int) -> list[ResultDict]:
    """The annotations of an image in a file of instances.

    Args:
        instances: As from ``coco_instances``.
        image_id: Id of the image.
        first_id: Id of the first annotation.
    """
    return [
        {
            'id': number,
            'image_id': image_id,
            **instance,
            'area': mask_area(instance['segmentation']),
            'iscrowd': 0,
        }
        for number, instance in enumerate(instances, start=first_id)
    ]


class CocoFile:
    """A file of COCO annotations, written while the results arrive.

    Until it is closed, the file has its ``partial_path`` and one annotation per line; if the process is killed, the
    annotations written so far are left there.

    Args:
        path: The file.
        metainfo: The classes.
    """

    def __init__(self, path: Path, metainfo: Classes) -> None:
        self.path = path
        self.count = 0
        self._part = partial_path(path)
        self._file = self._part.open('w')
        self._is_damaged = False
        head = JSON_MARK | {'categories': coco_categories(metainfo)}
        self._write(f'{json.dumps(head)[:-1]}, "annotations": [')

    def append(self, annotation: Mapping[str, Any]) -> None:
        """Write an annotation."""
        self._write((',\n' if self.count else '\n') + json.dumps(annotation))
        self.count += 1

    def close(self, images: Sequence[ResultDict]) -> None:
        """Complete the file with all images of the run, and rename it; after a failed write, it is only closed."""
        if self._is_damaged:
            with suppress(OSError):  # of the text that could not be written
                self._file.close()
            return
        self._write(f'\n], "images": {json.dumps(images)}}}\n')
        with naming(self.path):
            self._file.close()
            commit(self._part, self.path)

    def _write(self, text: str) -> None:
        try:
            with naming(self.path):
                self._file.write(text)
        except OSError:
            self._is_damaged = True
            raise
