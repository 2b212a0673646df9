"""Reads a COCO-panoptic json and checks the type and range of its values."""

import re
from collections.abc import Callable, Mapping
from reprlib import repr as shortened
from typing import Any, NamedTuple

from mmengine.fileio import load

from mmoneformer.errors import AnnotationError, UnreadableFileError

MAX_SEGMENTS = 65535  # of an image: the segment map has 16 bits


class Rule(NamedTuple):
    """What a value must be: the check, and the text of the message."""

    fits: Callable[[Any], bool]
    wanted: str
    required: bool = True


def _is_integer(value: Any) -> bool:
    return type(value) is int  # isinstance would accept true and false


def _is_image_id(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, str) and re.search(r'[/\\\0]', value) is None)


def _is_color(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) == 3 and all(_is_integer(part) and 0 <= part <= 255 for part in value)
    )


INTEGER = Rule(_is_integer, 'an integer')
SIZE = Rule(lambda value: _is_integer(value) and value > 0, 'a number of pixels, at least 1')
TEXT = Rule(lambda value: isinstance(value, str) and value != '', 'a non-empty string')
LIST = Rule(lambda value: isinstance(value, list), 'a list')
YES_OR_NO = Rule(lambda value: value in (0, 1) and not isinstance(value, float), '0 or 1')
IMAGE_ID = Rule(_is_image_id, 'an integer, or a string without slashes (result files are named after it)')
CONTENT = {'categories': LIST, 'images': LIST, 'annotations': LIST._replace(required=False)}
CATEGORY = {
    'id': INTEGER,
    'name': TEXT,
    'isthing': YES_OR_NO,
    'color': Rule(_is_color, 'three integers in 0..255', required=False),
}
IMAGE = {'id': IMAGE_ID, 'file_name': TEXT, 'height': SIZE, 'width': SIZE}
ANNOTATION = {
    'image_id': IMAGE_ID,
    'file_name': TEXT,
    'segments_info': Rule(
        lambda value: isinstance(value, list) and len(value) <= MAX_SEGMENTS,
        f'a list of at most {MAX_SEGMENTS} segments',
    ),
}
SEGMENT = {'id': INTEGER, 'category_id': INTEGER, 'iscrowd': YES_OR_NO._replace(required=False)}


def read_content(path: str) -> dict[str, Any]:
    """Read a COCO-panoptic json.

    Args:
        path: Path or URL, as in ``mmengine.fileio``.

    Returns:
        A dict with the lists ``categories``, ``images`` and, unless it is the json of a test split, ``annotations``.
        All required keys are present and have values of the right type and range. Whether ids match is not checked.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableFileError: If the file is not a json.
        AnnotationError: If a key is missing or has a wrong value; the message names the place and the value.
    """
    try:
        content = load(path, file_format='json')
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f'{path} is not a valid json, write or download it again: {error}') from error
    try:
        _check(content, CONTENT, 'the file')
        _check_each(content['categories'], CATEGORY, 'categories')
        _check_each(content['images'], IMAGE, 'images')
        annotations = content.get('annotations', [])
        _check_each(annotations, ANNOTATION, 'annotations')
        for index, annotation in enumerate(annotations):
            _check_each(annotation['segments_info'], SEGMENT, f'annotations[{index}].segments_info')
    except AnnotationError as error:
        raise AnnotationError(f'{path} is not a COCO-panoptic json: {error}') from error
    return content


def _check_each(entries: list[Any], rules: Mapping[str, Rule], place: str) -> None:
    for index, entry in enumerate(entries):
        _check(entry, rules, f'{place}[{index}]')


def _check(entry: Any, rules: Mapping[str, Rule], place: str) -> None:
    if not isinstance(entry, dict):
        raise AnnotationError(f'{place} must be an object, got {shortened(entry)}')
    for key, rule in rules.items():
        if key not in entry:
            if rule.required:
                raise AnnotationError(f'{place} has no {key!r}, which must be {rule.wanted}')
        elif not rule.fits(entry[key]):
            raise AnnotationError(f'{key!r} of {place} must be {rule.wanted}, got {shortened(entry[key])}')
