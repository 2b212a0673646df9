"""Errors of data, by what is wrong, so that callers such as the data check can tell them apart by class.

A missing file is a ``FileNotFoundError``. All others are ``ValueError``, too. Messages about many things list
them with ``first_few``.
"""

from collections.abc import Iterable

SHOWN = 3  # entries of a list in a message


class AnnotationError(ValueError):
    """An annotation contradicts itself, its format, or the classes of the data set."""


class AnnotationSizeError(AnnotationError):
    """An annotation has another height or width than its image."""


class UnknownLabelError(AnnotationError):
    """An annotation has a segment id, category id or label that the json or the classes do not list."""


class UnreadableFileError(ValueError):
    """An image or annotation file is empty, truncated, damaged, or of another format than expected."""


class EmptyDatasetError(ValueError):
    """A data set has no image."""


def first_few(entries: Iterable[object]) -> str:
    """The first entries of a list for a message, and the number of the others."""
    texts = [str(entry) for entry in entries]
    rest = f' and {len(texts) - SHOWN} more' if len(texts) > SHOWN else ''
    return ', '.join(texts[:SHOWN]) + rest
