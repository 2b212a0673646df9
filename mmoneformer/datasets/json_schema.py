"""Reads annotation files, and checks the type and range of their values."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from reprlib import repr as shortened
from typing import Any, NamedTuple

from mmengine import fileio

from mmoneformer.errors import AnnotationError, UnreadableFileError


class Rule(NamedTuple):
    """What a value must be: the check, and the text of the message."""

    fits: Callable[[Any], bool]
    wanted: str
    required: bool = True


def is_integer(value: Any) -> bool:
    """Whether a value is an integer, and none of ``true`` and ``false``."""
    return type(value) is int


def _is_id(value: Any) -> bool:
    return is_integer(value) or (isinstance(value, str) and value != '')


def _is_file_id(value: Any) -> bool:
    return is_integer(value) or (isinstance(value, str) and re.search(r'[/\\\0]', value) is None)


INTEGER = Rule(is_integer, 'an integer')
SIZE = Rule(lambda value: is_integer(value) and value > 0, 'a number of pixels, at least 1')
TEXT = Rule(lambda value: isinstance(value, str) and value != '', 'a non-empty string')
LIST = Rule(lambda value: isinstance(value, list), 'a list')
YES_OR_NO = Rule(lambda value: value in (0, 1) and not isinstance(value, float), '0 or 1')
ID = Rule(_is_id, 'an integer or a non-empty string')
FILE_ID = Rule(_is_file_id, 'an integer, or a string without slashes (result files are named after it)')


def read_json(path: str, *, backend_args: Mapping[str, Any] | None = None) -> Any:
    """Read a json, which may begin with a byte order mark.

    Args:
        path: Path or URL, as in ``mmengine.fileio``.
        backend_args: Storage backend, as in ``mmengine.fileio.get``.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableFileError: If it is not a json.
    """
    try:
        return json.loads(fileio.get(path, backend_args=backend_args))
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f'{path} is not a valid json, write or download it again: {error}') from error


def check_entry(entry: Any, rules: Mapping[str, Rule], place: str) -> None:
    """Check an object of a json.

    Args:
        entry: The object.
        rules: What the value of each key must be.
        place: Where it is, for the message.

    Raises:
        AnnotationError: If it is no object, or a value does not fit.
    """
    if not isinstance(entry, dict):
        raise AnnotationError(f'{place} must be an object, got {shortened(entry)}')
    for key, rule in rules.items():
        if key not in entry:
            if rule.required:
                raise AnnotationError(f'{place} has no {key!r}, which must be {rule.wanted}')
        elif not rule.fits(entry[key]):
            raise AnnotationError(f'{key!r} of {place} must be {rule.wanted}, got {shortened(entry[key])}')


def check_entries(entries: Iterable[Any], rules: Mapping[str, Rule], place: str) -> None:
    """Check each object of a list as ``check_entry`` does."""
    for index, entry in enumerate(entries):
        check_entry(entry, rules, f'{place}[{index}]')


def check_unique(entries: Sequence[Mapping[str, Any]], key: str, place: str) -> None:
    """Check that no two objects of a list have the same value.

    Raises:
        AnnotationError: If two have; the message names both.
    """
    values = [entry[key] for entry in entries]
    if len(set(values)) == len(values):
        return
    (value, count), *_ = Counter(values).most_common(1)
    first = values.index(value)
    second = values.index(value, first + 1)
    raise AnnotationError(
        f'{key!r} of {place}[{first}] and {place}[{second}] is {shortened(value)} ({count} times in all): '
        'it must be another one for each, so keep one of them, with all that belongs to both'
    )
