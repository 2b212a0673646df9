"""Reads a COCO-panoptic json and checks the type and range of its values."""

from collections.abc import Mapping
from typing import Any

from mmoneformer.datasets.json_schema import (
    FILE_ID,
    INTEGER,
    LIST,
    SIZE,
    TEXT,
    YES_OR_NO,
    Rule,
    check_entries,
    check_entry,
    is_integer,
    read_json,
)
from mmoneformer.errors import AnnotationError

MAX_SEGMENTS = 65535  # of an image: the segment map has 16 bits


def _is_color(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(is_integer(part) and 0 <= part <= 255 for part in value)


CONTENT = {'categories': LIST, 'images': LIST, 'annotations': LIST._replace(required=False)}
CATEGORY = {
    'id': INTEGER,
    'name': TEXT,
    'isthing': YES_OR_NO,
    'color': Rule(_is_color, 'three integers in 0..255', required=False),
}
IMAGE = {'id': FILE_ID, 'file_name': TEXT, 'height': SIZE, 'width': SIZE}
ANNOTATION = {
    'image_id': FILE_ID,
    'file_name': TEXT,
    'segments_info': Rule(
        lambda value: isinstance(value, list) and len(value) <= MAX_SEGMENTS,
        f'a list of at most {MAX_SEGMENTS} segments',
    ),
}
SEGMENT = {'id': INTEGER, 'category_id': INTEGER, 'iscrowd': YES_OR_NO._replace(required=False)}


def read_content(path: str, backend_args: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read a COCO-panoptic json.

    Args:
        path: Path or URL, as in ``mmengine.fileio``.
        backend_args: Storage backend, as in ``mmengine.fileio.get``.

    Returns:
        A dict with the lists ``categories``, ``images`` and, unless it is the json of a test split, ``annotations``.
        All required keys are present and have values of the right type and range. Whether ids match is not checked.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableFileError: If the file is not a json.
        AnnotationError: If a key is missing or has a wrong value; the message names the place and the value.
    """
    content = read_json(path, backend_args=backend_args)
    try:
        check_entry(content, CONTENT, 'the file')
        check_entries(content['categories'], CATEGORY, 'categories')
        check_entries(content['images'], IMAGE, 'images')
        annotations = content.get('annotations', [])
        check_entries(annotations, ANNOTATION, 'annotations')
        for index, annotation in enumerate(annotations):
            check_entries(annotation['segments_info'], SEGMENT, f'annotations[{index}].segments_info')
    except AnnotationError as error:
        raise AnnotationError(f'{path} is not a COCO-panoptic json: {error}{_hint(content)}') from error
    return content


def _hint(content: Any) -> str:
    """What an entirely different file may be."""
    annotations = content.get('annotations') if isinstance(content, dict) else None
    if isinstance(annotations, list) and annotations and isinstance(annotations[0], dict) and 'bbox' in annotations[0]:
        return '; it is a json of instances, which mmdet.CocoDataset reads'
    return ''
