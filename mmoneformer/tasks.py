"""The tasks (paper section 3.1), and the tables of what is done for each.

What the network and the data pipeline need is a column of ``TASKS``. What a part of the package does differently for
each task (post-processing, drawing, writing) is a ``TaskTable`` of that part, so that no code branches on a task's
name. A new task is a row in each: ``docs/extending.md``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeVar

Entry = TypeVar('Entry')


@dataclass(frozen=True)
class Task:
    """What the network and the data pipeline must know of a task.

    Attributes:
        name: How users ask for the task.
        filler: Text of a query that has no target.
        things_only: Whether stuff segments are no targets.
        merges_classes: Whether all segments of a class are one target.
    """

    name: str
    filler: str
    things_only: bool = False
    merges_classes: bool = False

    @property
    def sentence(self) -> str:
        """The text that becomes the task token."""
        return f'The task is {self.name}'


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task('panoptic', filler='a panoptic photo'),
        Task('instance', filler='an instance photo', things_only=True),
        Task('semantic', filler='a semantic photo', merges_classes=True),
    )
}


class TaskTable(dict[str, Entry]):
    """What one part of the package has for each task, looked up with ``[]``.

    Args:
        name: Import path of the table, for messages.
        entries: The entry of each task.
    """

    tables: list['TaskTable'] = []  # every table there is

    def __init__(self, name: str, entries: Mapping[str, Entry]) -> None:
        super().__init__(entries)
        self.name = name
        self.tables.append(self)

    def __missing__(self, task: str) -> NoReturn:
        raise KeyError(f'task {task!r} has no entry in {self.name}, which has {list(self)}: see docs/extending.md')


def check_tasks(names: Iterable[str] | None) -> tuple[str, ...]:
    """Return the names as a tuple, without repetitions; None stands for all tasks.

    Raises:
        TypeError: If a single string is given.
        ValueError: If there is no name, or one that is not a task.
    """
    if isinstance(names, str):
        raise TypeError(f'tasks must be a list of names, for example [{names!r}], not the string {names!r}')
    unique = tuple(TASKS if names is None else dict.fromkeys(names))
    unknown = [name for name in unique if name not in TASKS]
    if unknown or not unique:
        raise ValueError(f'unknown tasks {unknown}: choose one or more of {list(TASKS)}')
    return unique


def target_text(class_name: str) -> str:
    """The text of a query that has a target of this class (paper section 3.2)."""
    return f'a photo with a {class_name}'
