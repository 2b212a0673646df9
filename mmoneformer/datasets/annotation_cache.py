"""What a large annotation says, kept for the next start: COCO's training json takes seconds to parse and check."""

import hashlib
import marshal
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmoneformer.atomic_files import write_bytes
from mmoneformer.version import __version__

WORTH_IT = 10 * 2**20  # bytes; smaller files are read anew


def cached(read: Callable[[], Any], *, source: str, settings: Any) -> Any:
    """Return what ``read`` returns, without calling it where the same was read from the same file before.

    It is kept in ``$XDG_CACHE_HOME/mmoneformer`` (``~/.cache/mmoneformer``), once for each file and settings. Another
    size or time of change of the file, or another version of this package or of Python, makes it stale.

    Args:
        read: Reads the file; what it returns is made of dicts, lists, tuples, strings and numbers.
        source: Path of the file. A remote one, which has no time of change, is always read.
        settings: What the result depends on beside the file; two are the same if they print the same.
    """
    if not os.path.isfile(source) or os.path.getsize(source) < WORTH_IT:
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
    """Read what ``_save`` wrote; None if there is nothing readable."""
    try:
        return marshal.loads(path.read_bytes())  # marshal, not pickle: to read it executes nothing, and it is faster
    except (OSError, EOFError, TypeError, ValueError):
        return None


def _save(path: Path, content: Any) -> None:
    """Write the cache, which other processes may do at the same time; without a writable disk there is none."""
    with suppress(OSError):
        write_bytes(path, marshal.dumps(content), unique=True)
