import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from mmoneformer_deploy.in_order import InThisProcess, in_order, read_ahead


def test_in_this_process():
    pool = InThisProcess()
    assert pool.submit(divmod, 7, 2).result() == (3, 1)
    failed = pool.submit(divmod, 7, 0)
    with pytest.raises(ZeroDivisionError):
        failed.result()


def test_an_interruption_is_not_kept_for_later():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        InThisProcess().submit(interrupted)


def test_in_order_whatever_finishes_first():
    """Of each two jobs, the first ends after the second."""
    ended = [threading.Event() for _ in range(6)]

    def run(number):
        if number % 2 == 0:
            assert ended[number + 1].wait(timeout=10)
        ended[number].set()
        return number

    with ThreadPoolExecutor(2) as pool:
        jobs = ((number, pool.submit(run, number)) for number in range(6))
        assert [(item, future.result()) for item, future in in_order(jobs, ahead=4)] == [(n, n) for n in range(6)]


@pytest.mark.parametrize('ahead', [0, 1, 3])
def test_gives_out_no_more_than_asked(ahead):
    given = []
    jobs = in_order(((number, given.append(number)) for number in count()), ahead)
    for number in range(4):
        assert next(jobs)[0] == number
        assert len(given) == number + 1 + ahead


def test_what_was_given_out_before_an_error_comes_first():
    jobs = in_order(((number, 6 // number) for number in (3, 2, 0, 1)), ahead=5)
    assert [next(jobs), next(jobs)] == [(3, 2), (2, 3)]
    with pytest.raises(ZeroDivisionError):
        next(jobs)


@pytest.mark.parametrize('threads', [0, 2])
def test_reads_in_order_and_names_what_fails(threads):
    def read(number):
        return 6 // number

    jobs = read_ahead([2, 0, 3], read, threads)
    found = [(item, 'failed' if future.exception() else future.result()) for item, future in jobs]
    assert found == [(2, 3), (0, 'failed'), (3, 2)]


def test_threads_end_with_whom_they_read_for():
    reading = read_ahead(count(), str, 2)
    next(reading)
    reading.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith('reader')]
