"""Reads a COCO-panoptic json and checks the form of all that it says, so that whatever comes after can rely on it."""

import re
from collections.abc import Callable, Mapping
from reprlib import repr as shortened
from typing import Any, NamedTuple

from mmengine.fileio import load

MAX_SEGMENTS = 65535  # of an image: their numbers make a map of 16 bits


class Rule(NamedTuple):
    """What a value must be, as a check and in words."""

    fits: Callable[[Any], bool]
    wanted: str
    required: bool = True


def _is_whole(value: Any) -> bool:
    return type(value) is int  # isinstance would take true and false


def _is_image_id(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, str) and re.search(r'[/\\\0]', value) is None)


def _is_color(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(_is_whole(part) and 0 <= part <= 255 for part in value)


WHOLE = Rule(_is_whole, 'a whole number')
SIZE = Rule(lambda value: _is_whole(value) and value > 0, 'a whole number of pixels, at least 1')
TEXT = Rule(lambda value: isinstance(value, str) and value != '', 'a text')
LIST = Rule(lambda value: isinstance(value, list), 'a list')
YES_OR_NO = Rule(lambda value: value in (0, 1) and not isinstance(value, float), '0 or 1')
IMAGE_ID = Rule(_is_image_id, 'a whole number, or a text without slashes (results are named after it)')
CONTENT = {'categories': LIST, 'images': LIST, 'annotations': LIST._replace(required=False)}
CATEGORY = {
    'id': WHOLE,
    'name': TEXT,
    'isthing': YES_OR_NO,
    'color': Rule(_is_color, 'three whole numbers in 0..255', required=False),
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
SEGMENT = {'id': WHOLE, 'category_id': WHOLE, 'iscrowd': YES_OR_NO._replace(required=False)}


def read_content(path: str) -> dict[str, Any]:
    """Read a COCO-panoptic json.

    Args:
        path: The file, or an address that mmengine can read.

    Returns:
        Lists ``categories``, ``images`` and, unless it is the json of a test split, ``annotations``. Keys that the
        format requires are there, and those that are used have values of the right kind; whether they fit together
        is not checked.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no json, or lacks something, or says something impossible; with the place and the value.
    """
    try:
        content = load(path, file_format='json')
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is no json that can be read, write or download it again: {error}') from error
    try:
        _check(content, CONTENT, 'the file')
        _check_each(content['categories'], CATEGORY, 'categories')
        _check_each(content['images'], IMAGE, 'images')
        annotations = content.get('annotations', [])
        _check_each(annotations, ANNOTATION, 'annotations')
        for index, annotation in enumerate(annotations):
            _check_each(annotation['segments_info'], SEGMENT, f'annotations[{index}].segments_info')
    except ValueError as error:
        raise ValueError(f'{path} is no COCO-panoptic json: {error}') from error
    return content


def _check_each(entries: list[Any], rules: Mapping[str, Rule], place: str) -> None:
    for index, entry in enumerate(entries):
        _check(entry, rules, f'{place}[{index}]')


def _check(entry: Any, rules: Mapping[str, Rule], place: str) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f'{place} must have keys and values, got {shortened(entry)}')
    for key, rule in rules.items():
        if key not in entry:
            if rule.required:
                raise ValueError(f'{place} has no {key!r}, which must be {rule.wanted}')
        elif not rule.fits(entry[key]):
            raise ValueError(f'{key!r} of {place} must be {rule.wanted}, got {shortened(entry[key])}')
