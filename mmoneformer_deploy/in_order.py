"""Work that runs ahead in threads or processes, with results in the order in which it was given out."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar('Item')
Job = tuple[Item, 'Future[Any]']


class InThisProcess(Executor):
    """Runs each call at once, where it is submitted; its future is done."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> 'Future[Any]':
        """Run a call."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:  # of any type: it is raised where the result is asked for
            future.set_exception(error)
        return future


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Any], threads: int, ahead: int = 2
) -> Iterator[Job[Item]]:
    """Read items in threads: libraries decode and resize images without Python's lock.

    Args:
        items: What is read; consumed a few items ahead.
        read: Reads an item.
        threads: Number of threads; with 0, an item is read when it is asked for.
        ahead: Items for each thread that are given out before the first is yielded.

    Yields:
        Each item and the future of what was read, in order.
    """
    with ThreadPoolExecutor(threads, 'reader') if threads else InThisProcess() as pool:
        try:
            yield from in_order(((item, pool.submit(read, item)) for item in items), ahead=ahead * threads)
        finally:
            pool.shutdown(cancel_futures=True)


def in_order(jobs: Iterable[Job[Item]], ahead: int) -> Iterator[Job[Item]]:
    """Give out jobs, and yield them in order; if there is an error, after those that were given out before.

    Args:
        jobs: Gives out a job with each step.
        ahead: How many jobs are given out before the first is yielded; bounds the memory that they take.
    """
    waiting: deque[Job[Item]] = deque()
    try:
        for job in jobs:
            waiting.append(job)
            if len(waiting) > ahead:
                yield waiting.popleft()
    except Exception:
        yield from waiting
        raise
    yield from waiting
