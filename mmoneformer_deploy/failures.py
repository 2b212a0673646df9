"""Images that fail: skipped and listed, or the end of the run."""

import errno
import logging
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from typing import Literal, NamedTuple

from mmoneformer_deploy.image_sources import Source, name_of

OnError = Literal['stop', 'skip']
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
LOGGER = logging.getLogger(__name__)


class Failure(NamedTuple):
    """An image that could not be read, predicted, drawn or written.

    Attributes:
        number: Index of the image among the sources, from 0.
        name: Path or URL.
        reason: Message of the error.
    """

    number: int
    name: str
    reason: str


def list_failures(on_error: OnError) -> list[Failure] | None:
    """List for the failures; None to stop at the first.

    Raises:
        ValueError: If ``on_error`` is neither 'stop' nor 'skip'.
    """
    if on_error not in ('stop', 'skip'):
        raise ValueError(f"on_error must be 'stop' or 'skip', got {on_error!r}")
    return [] if on_error == 'skip' else None


@contextmanager
def skipping(failures: list[Failure] | None, number: int, source: Source) -> Iterator[None]:
    """Add an error to the failures; raise it if they are None, if the disk is full, or if a process was killed.

    What libraries raise does not name the image: then a message of the log does.

    Args:
        failures: List of failures.
        number: Index of the image.
        source: Source of the image.
    """
    try:
        yield
    except Exception as error:  # of any type: pipelines, models and drawings raise what their libraries do
        name, reason = name_of(source, number), str(error) or type(error).__name__
        if getattr(error, 'errno', None) in DISK_FULL or isinstance(error, BrokenExecutor):
            raise
        if failures is None:
            if name not in reason:
                LOGGER.error('stopped at %s', name)
            raise
        failures.append(Failure(number, name, reason))
        LOGGER.warning('skipped: %s', reason if name in reason else f'{name}: {reason}')
