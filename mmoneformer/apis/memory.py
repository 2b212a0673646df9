"""The memory that processes can still take, on a Linux machine or in a container on it."""

from collections.abc import Iterator
from pathlib import Path

CGROUPS = (  # of version 2 and 1, where a container finds its own: limit, use, and the files in it that can be dropped
    ('sys/fs/cgroup', 'memory.max', 'memory.current', 'inactive_file'),
    ('sys/fs/cgroup/memory', 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'),
)


def available_memory(root: Path = Path('/')) -> int:
    """Number of bytes that processes can take: those of the machine, or what a limit of the container leaves of them.

    Args:
        root: Folder of the file system; Linux tells all of this in files.
    """
    machine = _read_table(root / 'proc/meminfo')['MemAvailable:'] * 1024
    return min([machine, *_left_by_limits(root)])


def _left_by_limits(root: Path) -> Iterator[int]:
    for folder, *names, files in CGROUPS:
        limit, use, parts = (root / folder / name for name in (*names, 'memory.stat'))
        if limit.is_file() and limit.read_text().strip() != 'max' and use.is_file() and parts.is_file():
            used = int(use.read_text()) - _read_table(parts).get(files, 0)
            yield max(0, int(limit.read_text()) - used)


def _read_table(path: Path) -> dict[str, int]:
    """The first number of each line by the word before it."""
    return {name: int(number) for name, number, *_ in map(str.split, path.read_text().splitlines())}
