"""Loads the sources of images as a test pipeline does, and shows the progress over them."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import numpy as np
from mmcv.transforms import BaseTransform
from rich.errors import LiveError
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

from mmoneformer.datasets.transforms.load_image import loaded_image
from mmoneformer_deploy.image_arrays import Channels, rgb_array
from mmoneformer_deploy.image_sources import IN_MEMORY, Source

Item = TypeVar('Item')


def load_source(source: Source, loader: BaseTransform, channels: Channels = 'bgr') -> dict[str, Any]:
    """Load an image as the first transform of a pipeline does.

    Args:
        source: A source from ``expand_sources``.
        loader: The first transform of the pipeline, for files and URLs.
        channels: Order of the channels of an array.

    Raises:
        ValueError: If the file cannot be read, or what is in memory is not an image, see ``rgb_array``.
    """
    if isinstance(source, IN_MEMORY):
        return loaded_image(np.ascontiguousarray(rgb_array(source, channels)[..., ::-1]))
    try:
        return loader({'img_path': str(source)})
    except Exception as error:  # of any type: what a damaged image raises depends on the backend
        reason = str(error)
        message = reason if str(source) in reason else f'{source} is not a readable image: {reason}'
        raise ValueError(message) from error


class RateColumn(ProgressColumn):
    """Images per second."""

    def render(self, task: Task) -> Text:
        """Return the rate, once it is known."""
        return Text(f'{task.speed:.1f} images/s' if task.speed else '- images/s')


def known_length(images: Iterable[Source]) -> int | None:
    """Number of images, if it is known before they are read."""
    return len(images) if isinstance(images, Sized) else None


def tracked(images: Iterable[Item], *, shown: bool, total: int | None = None) -> Generator[Item, None, None]:
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


@contextmanager
def counted_tiles(total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar of the tiles of an image, below that of the images; before rich 14.1, there is only one of them.

    Args:
        total: Number of tiles.
        shown: Whether to show the bar; it is never shown for a single tile.

    Yields:
        What is called with the number of tiles that were predicted.
    """
    columns = (TextColumn('Tiles'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    progress = Progress(*columns, transient=True, disable=not shown or total == 1)
    task = progress.add_task('', total=total)
    with suppress(LiveError):
        progress.start()
    try:
        yield lambda number: progress.advance(task, number)
    finally:
        progress.stop()
