import os

import pytest
from benchmarking.fresh_process import in_fresh_process


@pytest.fixture(autouse=True)
def threads_of_this_process(monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '1')


def test_another_process_has_the_threads():
    assert in_fresh_process(os.getpid, threads=1) != os.getpid()
    assert in_fresh_process(os.getenv, 'OMP_NUM_THREADS', threads=3) == '3'


def test_errors_are_raised_here():
    with pytest.raises(ValueError, match='many'):
        in_fresh_process(int, 'many', threads=1)
