"""How far a long prediction is."""

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

Item = TypeVar('Item')


class RateColumn(ProgressColumn):
    """Images per second."""

    def render(self, task: Task) -> Text:
        """Say the rate, as soon as there is one."""
        return Text(f'{task.speed:.1f} images/s' if task.speed else '- images/s')


def tracked(images: Iterable[Item], *, shown: bool, total: int | None = None) -> Iterator[Item]:
    """Pass images on under a bar with rate and remaining time.

    Args:
        images: With a length, or an iterator.
        shown: Whether there is a bar; there is none for a single image.
        total: How many images an iterator has, if that is known.
    """
    total = len(images) if isinstance(images, Sized) else total
    columns = (TextColumn('Predicting'), BarColumn(), MofNCompleteColumn(), RateColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), disable=not shown or total == 1) as progress:
        yield from progress.track(images, total=total)
