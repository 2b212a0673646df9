"""What is written of the result of each task: its part of the json, its PNG, and its COCO annotations."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from mmoneformer_deploy.coco import coco_instances, coco_segments, instance_annotations, panoptic_annotations
from mmoneformer_deploy.result_dicts import NO_CLASS, Classes, ResultDict


@dataclass(frozen=True)
class TaskFiles:
    """How the results of a task are written; with functions of modules, which other processes can import.

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


def _segments(panoptic: ResultDict) -> ResultDict:
    return {'segments_info': coco_segments(panoptic)}


def _nothing(semantic: ResultDict) -> ResultDict:
    return {}


def _id_image(panoptic: ResultDict, metainfo: Classes) -> Image.Image:
    id_map = panoptic['id_map']
    pixels = np.ascontiguousarray(id_map, '<u4')  # R, G, B and a byte that is not written
    return Image.frombuffer('RGBX', id_map.shape[::-1], pixels, 'raw', 'RGBX', 0, 1)


def _label_image(semantic: ResultDict, metainfo: Classes) -> Image.Image:
    image = Image.fromarray(semantic['label_map'])
    palette = np.zeros((NO_CLASS + 1, 3), np.uint8)
    palette[: len(metainfo['palette'])] = metainfo['palette']
    image.putpalette(palette.tobytes())
    return image


TASK_FILES = {
    'panoptic': TaskFiles(
        key='panoptic',
        content=_segments,
        png=_id_image,
        coco_file='panoptic.json',
        annotations=panoptic_annotations,
    ),
    'instance': TaskFiles(
        key='instances', content=coco_instances, coco_file='instances.json', annotations=instance_annotations
    ),
    'semantic': TaskFiles(key='semantic', content=_nothing, png=_label_image),
}
