import os
import sys
from concurrent.futures import BrokenExecutor
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


@pytest.mark.skipif(sys.platform != 'linux', reason='other systems cannot copy a process safely')
def test_copies_have_what_this_process_has():
    has = [3]
    with copy_process(2, lambda: NOTES.append(has)) as pool:
        assert pool.submit(notes).result() == [[3]]
        assert pool.submit(os.getpid).result() != os.getpid()
    assert notes() == []


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
