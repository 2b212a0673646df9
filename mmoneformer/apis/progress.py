"""Progress bar of a prediction."""

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
        """Return the rate, once it is known."""
        return Text(f'{task.speed:.1f} images/s' if task.speed else '- images/s')


def tracked(images: Iterable[Item], *, shown: bool, total: int | None = None) -> Iterator[Item]:
    """Yield images and show a bar with the rate and the remaining time.

    Args:
        images: A sized collection, or an iterator.
        shown: Whether to show the bar; it is never shown for a single image.
        total: Number of images of an iterator, if it is known.
    """
    total = len(images) if isinstance(images, Sized) else total
    columns = (TextColumn('Predicting'), BarColumn(), MofNCompleteColumn(), RateColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), disable=not shown or total == 1) as progress:
        yield from progress.track(images, total=total)
