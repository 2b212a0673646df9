"""A json file that grows item by item, and is complete whenever it is closed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmoneformer.atomic_files import commit, partial_path


class StreamedJson:
    """A json object whose last list is written as its items come.

    Until it is closed, the file has its ``partial_path`` and an item per line: a process that is killed leaves the
    items that it had.

    Args:
        path: The file.
        head: What comes before the list.
        key: Of the list.
    """

    def __init__(self, path: Path, head: Mapping[str, Any], key: str) -> None:
        self.path = path
        self._part = partial_path(path)
        self._file = self._part.open('w')
        self._separator = '\n'
        self._file.write(f'{json.dumps(dict(head))[:-1]}, {json.dumps(key)}: [')

    def append(self, item: Any) -> None:
        """Write an item."""
        self._file.write(self._separator + json.dumps(item))
        self._separator = ',\n'

    def close(self, tail: Mapping[str, Any]) -> None:
        """End the list, write what comes after it, and give the file its name."""
        self._file.write(f'\n], {json.dumps(dict(tail))[1:]}\n')
        self._file.close()
        commit(self._part, self.path)
