"""Finds the files of a data set that are not there, and what may be wrong with their names."""

import os
import re
from collections.abc import Iterable
from urllib.parse import unquote

from mmoneformer.errors import AnnotationError


def missing_files(paths: Iterable[str]) -> list[str]:
    """The paths that do not exist, in their order.

    Lists folders: a stat per file takes minutes on network storage. Remote paths, ``scheme://...``, cannot be listed
    in general and are left out.
    """
    listings: dict[str, set[str]] = {}
    missing = []
    for path in paths:
        if '://' in path:
            continue
        folder, name = os.path.split(path)
        if folder not in listings:
            listings[folder] = _files(folder)
        if name not in listings[folder]:
            missing.append(path)
    return missing


def name_hint(names: Iterable[str]) -> str:
    """What may be wrong with the names of files that do not exist, as the end of a sentence; empty for most."""
    for name in names:
        if '\\' in name:
            return '; a backslash separates folders on Windows alone: write / in the names'
        if re.search('%[0-9A-Fa-f]{2}', name):
            return f'; names are quoted as in a URL: write {os.path.basename(unquote(name))!r}, without %20 and alike'
    return ''


def check_inside(name: str, folder: str, where: str) -> None:
    """Check that the name of a file in a json does not lead out of its folder.

    Raises:
        AnnotationError: If it does.
    """
    if os.path.isabs(name) or '://' in name or '..' in re.split(r'[/\\]', name):
        raise AnnotationError(f'{where} names a file outside of {folder}: {name}{name_hint([name])}')


def _files(folder: str) -> set[str]:
    if not os.path.isdir(folder or '.'):
        return set()
    with os.scandir(folder or '.') as entries:
        return {entry.name for entry in entries if not entry.is_dir()}
