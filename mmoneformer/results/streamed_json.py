"""A json file that grows item by item, and is complete whenever it is closed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class StreamedJson:
    """A json object whose last list is written as its items come.

    Until it is closed, the file is called ``<name>.part`` and has an item per line: a process that is killed leaves
    what it had.

    Args:
        path: The file.
        head: What comes before the list.
        key: Of the list.
    """

    def __init__(self, path: Path, head: Mapping[str, Any], key: str) -> None:
        self.path = path
        self._part = path.with_name(f'{path.name}.part')
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
        self._part.replace(self.path)
