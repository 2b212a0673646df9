"""Runs each part in a process of its own, which tells each figure as soon as it has it.

What a part does to the memory and the state of a GPU ends with its process, and so does a crash.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pkgutil import resolve_name
from typing import Any, Protocol

from benchmarking.gpu.figures import Failure, Message
from benchmarking.gpu.parts import Part
from benchmarking.settings import Settings

END_SECONDS = 10.0  # that a process may take to end
READY, GO, DONE = 'ready', 'go', 'done'
Start = Callable[[Part, Settings, Connection], 'Process']


class Process(Protocol):
    """What is used of ``multiprocessing.Process``."""

    @property
    def exitcode(self) -> int | None:
        """How it ended."""
        ...

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        ...

    def kill(self) -> None:
        """End it."""
        ...


def start_process(part: Part, settings: Settings, connection: Connection) -> Process:
    """Start a new interpreter that works on the part."""
    process = multiprocessing.get_context('spawn').Process(target=work_on, args=(part, settings, connection))
    process.start()
    connection.close()  # the process has its own: without this one, its end is noticed
    return process


def work_on(part: Part, settings: Settings, connection: Connection) -> None:
    """Prepare a part, wait until it is its turn, and send what it measures."""
    try:
        measure = resolve_name(f'benchmarking.gpu.{part.maker}')(*part.arguments, settings)
        connection.send(READY)
        connection.recv()
        for message in measure():
            connection.send(message)
    except Exception as error:  # its reason is part of the report
        connection.send(Failure.of(part.name, error))
    connection.send(DONE)


class RunningPart:
    """A part in its process.

    Args:
        part: What it works on.
        settings: Of the run.
        start: Starts the process.
    """

    def __init__(self, part: Part, settings: Settings, start: Start = start_process) -> None:
        self.part = part
        self._connection, theirs = multiprocessing.Pipe()
        self._process = start(part, settings, theirs)
        self._is_over = False

    def go(self) -> None:
        """Let it measure."""
        if not self._is_over:
            self._connection.send(GO)

    def messages(self, until: str, deadline: float) -> Iterator[Message]:
        """What it tells, until it is ready or done, or its process ends, or ``time.monotonic`` reaches the deadline.

        The last two are failures.
        """
        while not self._is_over:
            try:
                if not self._connection.poll(max(0.0, deadline - time.monotonic())):
                    self._process.kill()
                    self._is_over = True
                    yield Failure(self.part.name, 'the time of --minutes is over')
                    return
                message: Any = self._connection.recv()
            except (EOFError, OSError):
                self._process.join()
                self._is_over = True
                yield Failure(self.part.name, f'its process ended with exit code {self._process.exitcode}')
                return
            if message == DONE:
                self._process.join(END_SECONDS)
                self._process.kill()  # if it still runs
                self._is_over = True
            elif message != READY:
                yield message
            if message in (until, DONE):
                return


def run_stage(
    parts: Sequence[Part], settings: Settings, deadline: float, start: Start = start_process
) -> Iterator[Message]:
    """Let all parts of a stage prepare at the same time, and then measure one after another."""
    if time.monotonic() >= deadline:
        yield from (Failure(part.name, 'the time of --minutes is over') for part in parts)
        return
    running = [RunningPart(part, settings, start) for part in parts]
    for part in running:
        yield from part.messages(READY, deadline)
    for part in running:
        part.go()
        yield from part.messages(DONE, deadline)
