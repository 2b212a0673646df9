"""Processes that draw and write results, and may predict them, too."""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from mmap import mmap
from multiprocessing import get_context, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Thread
from types import ModuleType
from typing import Any

from mmoneformer_deploy.in_order import InThisProcess

MOST = 8  # processes that are started without being asked for a number
FEW = 8  # images for which the start of processes does not pay

_IS_STOPPED: list[mmap] = []  # of this process, if it is one of ``Copies``; a byte that all of them see


class LightProcess(SpawnProcess):
    """A new process that does not import the script of this one, which may import torch, or start processes itself."""

    @staticmethod
    def _Popen(process: Any) -> Any:
        script = sys.modules['__main__']
        sys.modules['__main__'] = ModuleType('__main__')
        try:
            return SpawnProcess._Popen(process)
        finally:
            sys.modules['__main__'] = script


class LightContext(SpawnContext):
    """Starts processes that import only what they run."""

    Process = LightProcess


def start_workers(count: int) -> Executor:
    """A pool of processes, or what runs calls in this one.

    The processes are started when they are needed, in a way that works on every system and beside threads (spawn):
    they import what they run, and neither torch nor the script of this process. Ctrl-C does not end them before they
    have finished, the end of this process does.

    Args:
        count: Number of processes; 0 for none.
    """
    return ProcessPoolExecutor(count, LightContext(), _prepare) if count else InThisProcess()


class Copies(ProcessPoolExecutor):
    """A pool of processes that can be stopped; see ``copy_process``."""

    def __init__(self, count: int, prepare: Callable[[], None]) -> None:
        self._is_stopped = mmap(-1, 1)
        tell = partial(_IS_STOPPED.append, self._is_stopped)
        super().__init__(count, get_context('fork'), partial(_prepare, tell, prepare))

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> 'Future[Any]':
        """Have a process run a call, if it begins before the pool is stopped."""
        return super().submit(_run, function, *args, **kwargs)

    def stop(self) -> None:
        """Let calls that no process has begun fail with ``CancelledError``, also those that wait in a pipe to it."""
        self._is_stopped[0] = 1


def copy_process(count: int, prepare: Callable[[], None]) -> Copies:
    """A pool of copies of this process (fork), which have what it has, such as a model; for Linux.

    They start at once, before other threads do, and end as those of ``start_workers``.

    Args:
        count: Number of processes.
        prepare: Called in each of them first; it sees to it that they use no threads of this process.
    """
    pool = Copies(count, prepare)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)  # Python 3.12 warns of threads, which torch has
        pool.submit(int).result()
    return pool


def count_workers(wanted: int | None, images: Iterable[Any]) -> int:
    """How many processes draw and write images.

    Args:
        wanted: Their number; None for as many as pay: none on a single core or for few images.
        images: The images.

    Raises:
        ValueError: If the number is negative.
    """
    if wanted is not None:
        if wanted < 0:
            raise ValueError(f'the number of workers must be at least 0, got {wanted}')
        return wanted
    are_few = isinstance(images, Sized) and len(images) <= FEW
    return 0 if cores() == 1 or are_few else min(cores(), MOST)


def cores() -> int:
    """Number of cores for this process, where torchrun may have started others beside it."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    return max(1, found // int(os.environ.get('LOCAL_WORLD_SIZE', 1)))


@contextmanager
def naming_the_loss() -> Iterator[None]:
    """Say what it means that a process was killed.

    Raises:
        BrokenExecutor: If one was.
    """
    try:
        yield
    except BrokenExecutor as error:
        message = 'a process that draws and writes results was killed, perhaps for lack of memory: use fewer workers'
        raise BrokenExecutor(message) from error


def _prepare(*further: Callable[[], None]) -> None:
    """In a new process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal
    Thread(target=_end_with_parent, daemon=True).start()
    for step in further:
        step()


def _run(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """In a copy of a process."""
    if _IS_STOPPED[-1][0]:
        raise CancelledError('another image failed, or the run was interrupted')
    return function(*args, **kwargs)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
