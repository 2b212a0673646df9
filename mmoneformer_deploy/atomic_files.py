"""Atomic writes: a file or folder is written under a temporary name in the same folder, then renamed.

Readers, and a run that continues after a crash, find the old content or the complete new content. All modules that
need this use these functions.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

AnyPath = str | os.PathLike[str]


def partial_path(path: AnyPath, *, unique: bool = False) -> Path:
    """Temporary name of a file or folder: hidden, in the same folder, with the same suffix.

    Args:
        path: Final path.
        unique: Whether to give another name at each call, for paths that several processes may write at the same time.
            Otherwise the name depends on the path alone, so that the next write reuses what a killed process left.
    """
    path = Path(path)
    token = f'.{secrets.token_hex(4)}' if unique else ''
    return path.with_name(f'.{path.stem}{token}.part{path.suffix}')


def is_partial(path: Path) -> bool:
    """Whether a name is one of ``partial_path``."""
    return path.name.startswith('.') and path.stem.endswith('.part')


def commit(part: AnyPath, path: AnyPath, *, sync: bool = False) -> None:
    """Rename a complete temporary file or folder to its final path, replacing a file that is there.

    Args:
        part: The ``partial_path`` of the final path.
        path: Final path.
        sync: Whether to flush the file to the disk first, so that it also survives a crash of the machine.

    Raises:
        OSError: If the file cannot be flushed or renamed.
    """
    if sync:
        with open(part, 'rb+') as file:
            os.fsync(file.fileno())
    os.replace(part, path)


@contextmanager
def replacing(path: AnyPath, *, unique: bool = False, sync: bool = False) -> Iterator[Path]:
    """Yield the path to write a file or folder to; it is renamed at the end, or removed after an exception.

    Args:
        path: Final path; its parent folder is created if it does not exist.
        unique: As in ``partial_path``.
        sync: As in ``commit``.

    Raises:
        OSError: If it cannot be written; the error names the path.
    """
    part = partial_path(path, unique=unique)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        with naming(path):
            yield part
            commit(part, path, sync=sync)
    except BaseException:
        _remove(part)
        raise


@contextmanager
def naming(path: AnyPath) -> Iterator[None]:
    """Add the path to errors of the system that name no file, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = os.fspath(path)
        raise


def write_bytes(path: AnyPath, content: bytes, *, unique: bool = False, sync: bool = False) -> None:
    """Write a file; arguments as in ``replacing``."""
    with replacing(path, unique=unique, sync=sync) as part:
        part.write_bytes(content)


def write_json(path: AnyPath, content: Any, *, indent: int | None = None) -> None:
    """Write ``json.dumps(content)``, and a final newline if it is indented."""
    text = json.dumps(content, indent=indent)
    write_bytes(path, (text if indent is None else f'{text}\n').encode())


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
