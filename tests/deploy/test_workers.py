import os
import select
import sys
from concurrent.futures import BrokenExecutor, CancelledError
from itertools import count

import pytest

from mmoneformer_deploy import workers
from mmoneformer_deploy.in_order import InThisProcess
from mmoneformer_deploy.workers import copy_process, count_workers, naming_the_loss, start_workers


def test_no_process_is_started_for_none():
    assert isinstance(start_workers(0), InThisProcess)


def test_processes_are_others_and_their_loss_is_explained():
    with start_workers(1) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()
        assert not pool.submit(eval, "{'torch', 'pytest'} & set(__import__('sys').modules)").result()
        loss = pytest.raises(BrokenExecutor, match='was killed, perhaps for lack of memory: use fewer workers')
        with loss, naming_the_loss():
            pool.submit(os.abort).result()


on_linux = pytest.mark.skipif(sys.platform != 'linux', reason='other systems cannot copy a process safely')


@on_linux
def test_copies_have_what_this_process_has():
    has = [3]
    with copy_process(2, lambda: NOTES.append(has)) as pool:
        assert pool.submit(notes).result() == [[3]]
        assert pool.submit(os.getpid).result() != os.getpid()
    assert notes() == []


@on_linux
def test_copies_that_are_stopped_finish_what_they_have_begun():
    (begun, begin), (stopped, stop) = os.pipe(), os.pipe()
    with copy_process(1, int) as pool:
        first = pool.submit(begin_and_wait, begin, stopped)
        others = [pool.submit(int) for _ in range(3)]
        os.read(begun, 1)
        pool.stop()
        os.write(stop, b'.')
    assert first.result() == [stopped]
    assert all(isinstance(future.exception(), CancelledError) for future in others)
    with copy_process(1, int) as pool:
        assert pool.submit(int).result() == 0


def begin_and_wait(begin, stopped):
    os.write(begin, b'.')
    return select.select([stopped], [], [], 5)[0]


NOTES = []


def notes():
    return NOTES


@pytest.mark.parametrize(
    ('cores', 'images', 'expected'),
    [(1, range(500), 0), (2, range(1), 0), (2, range(500), 2), (2, count(), 2), (64, range(500), 8)],
)
def test_processes_where_they_pay(monkeypatch, cores, images, expected):
    monkeypatch.setattr(workers, 'cores', lambda: cores)
    assert count_workers(None, images) == expected
    assert count_workers(3, images) == 3


def test_refuses_a_negative_number():
    with pytest.raises(ValueError, match='the number of workers must be at least 0, got -1'):
        count_workers(-1, range(5))
