"""The protocol between processes, with threads in place of processes."""

import threading
import time
from contextlib import suppress

import pytest
from benchmarking.gpu import processes
from benchmarking.gpu.figures import Failure
from benchmarking.gpu.parts import Part
from benchmarking.gpu.processes import run_stage, work_on
from benchmarking.settings import Settings

ONE, TWO = Part('one', 'fake:one', ('a',)), Part('two', 'fake:two')
LATER = 20.0


class Thread(threading.Thread):
    exitcode = -11

    def kill(self):
        pass


def start(part, settings, connection):
    """Start a thread; the connection closes when it ends, as that of a process does."""

    def run():
        with connection, suppress(OSError):  # nobody listens after a deadline
            work_on(part, settings, connection)

    thread = Thread(target=run, daemon=True)
    thread.start()
    return thread


def crash(part, settings, connection):
    connection.close()
    thread = Thread(target=lambda: None)
    thread.start()
    return thread


@pytest.fixture
def order(monkeypatch):
    """Makers that note what they do, and measure two figures."""
    noted = []

    def make(*arguments):
        noted.append(f'{arguments[:-1]} is prepared')
        barrier.wait(timeout=5)  # all of a stage are prepared before one measures

        def measure():
            noted.append(f'{arguments[:-1]} measures')
            yield 'first'
            yield 'second'

        return measure

    barrier = threading.Barrier(2)
    monkeypatch.setattr(processes, 'resolve_name', lambda name: make)
    return noted


def test_parts_of_a_stage_prepare_together_and_measure_in_turn(order):
    assert list(run_stage([ONE, TWO], Settings(), time.monotonic() + LATER, start)) == ['first', 'second'] * 2
    assert set(order[:2]) == {"('a',) is prepared", '() is prepared'}
    assert order[2:] == ["('a',) measures", '() measures']


def test_what_was_measured_before_a_failure_is_kept(monkeypatch):
    def measure():
        yield 'first'
        raise MemoryError('too large')

    monkeypatch.setattr(processes, 'resolve_name', lambda name: lambda *arguments: measure)
    told = list(run_stage([ONE], Settings(), time.monotonic() + LATER, start))
    assert told == ['first', Failure('one', 'MemoryError: too large')]


def test_one_that_cannot_prepare_does_not_stop_the_next(monkeypatch):
    def resolve(name):
        if name.endswith(':one'):
            raise ImportError('no peer')
        return lambda settings: lambda: iter(['figure'])

    monkeypatch.setattr(processes, 'resolve_name', resolve)
    told = list(run_stage([ONE, TWO], Settings(), time.monotonic() + LATER, start))
    assert told == [Failure('one', 'ImportError: no peer'), 'figure']


def test_a_crash_is_a_failure():
    told = list(run_stage([ONE], Settings(), time.monotonic() + LATER, crash))
    assert told == [Failure('one', 'its process ended with exit code -11')]


def test_the_deadline(monkeypatch):
    is_over = threading.Event()
    monkeypatch.setattr(processes, 'resolve_name', lambda name: lambda *arguments: is_over.wait(LATER))
    told = list(run_stage([ONE], Settings(), time.monotonic() + 0.2, start))
    assert told == [Failure('one', 'the time of --minutes is over')]
    is_over.set()
    assert list(run_stage([TWO], Settings(), time.monotonic(), start)) == [
        Failure('two', 'the time of --minutes is over')
    ]
