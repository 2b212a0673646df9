import os
from math import factorial

import pytest

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets.converters.parallel import parallel_map


@pytest.mark.parametrize('workers', [1, 2])
def test_results_are_in_the_order_of_the_jobs(workers, capsys):
    results = parallel_map(factorial, [3, 0, 5], description='factorials', workers=workers)
    assert results == [6, 1, 120]
    printed = capsys.readouterr()
    assert printed.out == ''
    assert 'factorials' in printed.err
    assert '3/3' in printed.err


def test_several_workers_are_other_processes():
    assert os.getpid() not in parallel_map(_process_id, [0, 1], description='', workers=2)


def _process_id(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize('workers', [1, 2])
def test_an_error_ends_the_run(workers):
    with pytest.raises(ValueError, match='negative'):
        parallel_map(factorial, [1, -1], description='', workers=workers)


def test_no_jobs():
    assert parallel_map(factorial, [], description='', workers=2) == []
