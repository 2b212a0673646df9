"""The three tasks as one table (paper section 3.1).

Whatever differs between the tasks is a column here, so that no other module branches on a task's name.
"""

from collections.abc import Iterable
from dataclasses import dataclass


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


def check_tasks(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names as a tuple, without repetitions.

    Raises:
        TypeError: If a single string is given.
        ValueError: If there is no name, or one that is not a task.
    """
    if isinstance(names, str):
        raise TypeError(f'tasks must be a list of names, for example [{names!r}], not the string {names!r}')
    unique = tuple(dict.fromkeys(names))
    unknown = [name for name in unique if name not in TASKS]
    if unknown or not unique:
        raise ValueError(f'unknown tasks {unknown}: choose one or more of {list(TASKS)}')
    return unique


def target_text(class_name: str) -> str:
    """The text of a query that has a target of this class (paper section 3.2)."""
    return f'a photo with a {class_name}'
