"""A cache of parsed annotations: COCO's training json takes seconds to parse and check at each start."""

import hashlib
import marshal
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmoneformer.version import __version__
from mmoneformer_deploy.atomic_files import write_bytes

MIN_SIZE = 10 * 2**20  # bytes; smaller files are not cached


def cached(read: Callable[[], Any], *, source: str, settings: Any) -> Any:
    """Return the result of ``read``, from the cache if it is there.

    The cache is ``$XDG_CACHE_HOME/mmoneformer`` (default: ``~/.cache/mmoneformer``), with an entry for each file and
    settings. An entry is valid for the same size and modification time of the file, and the same version of this
    package and of Python.

    Args:
        read: Reads the file and returns dicts, lists, tuples, strings and numbers.
        source: Path of the file. Remote files, which have no modification time, are always read.
        settings: What the result depends on apart from the file; compared by their ``repr``.
    """
    if not os.path.isfile(source) or os.path.getsize(source) < MIN_SIZE:
        return read()
    status = os.stat(source)
    stamp = (status.st_size, status.st_mtime_ns, __version__, sys.version)
    name = hashlib.sha256(repr((os.path.realpath(source), settings)).encode()).hexdigest()
    path = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'mmoneformer' / name
    match _load(path):
        case (known_stamp, result) if known_stamp == stamp:
            return result
    result = read()
    _save(path, (stamp, result))
    return result


def _load(path: Path) -> Any:
    """Load an entry; None if there is none that can be read."""
    try:
        return marshal.loads(path.read_bytes())  # faster than pickle, and does not execute code
    except (OSError, EOFError, TypeError, ValueError):
        return None


def _save(path: Path, content: Any) -> None:
    """Write the cache, which other processes may do at the same time; without a writable disk there is none."""
    with suppress(OSError):
        write_bytes(path, marshal.dumps(content), unique=True)
