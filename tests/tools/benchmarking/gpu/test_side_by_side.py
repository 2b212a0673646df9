import gc
import warnings
from types import SimpleNamespace

import pytest
import torch
from benchmarking.gpu import side_by_side
from benchmarking.gpu.figures import Failure, Work
from benchmarking.gpu.host_syncs import MESSAGE
from benchmarking.gpu.side_by_side import Bench, Contender, count_flops

WORK = Work(network='one', what='product', precision='float32', batch=4)


def product(size):
    matrix = torch.ones(size, size)
    return lambda: matrix @ matrix


def raising():
    raise RuntimeError('out of memory')


@pytest.fixture
def bench():
    return Bench('cpu', rounds=2, matrix_rates={'float32': 1e12})


def test_operations_are_counted():
    assert count_flops(product(8)) == 2 * 8**3


def test_contenders_run_in_turn(bench):
    order = []

    def contender(name):
        return Contender(name, lambda: lambda: order.append(name))

    figures = list(bench.measure(WORK, [contender('a'), contender('b')], with_flops=False))
    assert order[-4:] == ['a', 'b', 'a', 'b']
    assert [figure.implementation for figure in figures] == ['a', 'b']
    assert all(len(figure.runs) == 2 and figure.matrix_share is None for figure in figures)


def test_the_share_of_the_matrix_rate(bench):
    (figure,) = bench.measure(WORK, [Contender('a', lambda: product(16), compile_seconds=7.0)])
    assert figure.matrix_share == pytest.approx(2 * 16**3 / figure.seconds / 1e12)
    assert figure.compile_seconds == 7.0
    assert figure.gigabytes is None
    assert figure.syncs_per_image is None


def test_operations_are_counted_once_for_all_precisions(bench, monkeypatch):
    counted = []
    monkeypatch.setattr(side_by_side, 'count_flops', lambda run: counted.append(run) or 5)
    for _ in range(2):
        list(bench.measure(WORK, [Contender('a', lambda: product(4))]))
    assert len(counted) == 1


@pytest.mark.parametrize('make', [raising, lambda: raising], ids=['when made', 'when run'])
def test_one_that_fails_does_not_stop_the_others(bench, make):
    failure, figure = bench.measure(WORK, [Contender('a', make), Contender('b', lambda: product(4))])
    assert failure == Failure(f'{WORK}, a', 'RuntimeError: out of memory')
    assert figure.implementation == 'b'


def test_slow_works_have_fewer_rounds(monkeypatch):
    monkeypatch.setattr(side_by_side, 'MOST_SECONDS', 0.0)
    bench = Bench('cpu', rounds=9, matrix_rates={})
    (figure,) = bench.measure(WORK, [Contender('a', lambda: product(4))], with_flops=False)
    assert len(figure.runs) == side_by_side.LEAST_ROUNDS


@pytest.fixture
def gpu(monkeypatch):
    """What is asked of a GPU, answered without one; bytes that are allocated, and their peak."""
    memory = SimpleNamespace(now=1000, peak=5000)
    for name, answer in dict(
        memory_allocated=lambda: memory.now,
        max_memory_allocated=lambda: memory.peak,
        reset_peak_memory_stats=lambda: setattr(memory, 'peak', memory.now),
        synchronize=lambda: None,
        empty_cache=lambda: None,
        set_sync_debug_mode=lambda mode: None,
    ).items():
        monkeypatch.setattr(torch.cuda, name, answer)
    monkeypatch.setattr(gc, 'freeze', lambda: None)
    return memory


def test_peak_memory_is_that_of_model_inputs_and_run(gpu):
    def make():
        gpu.now += 40  # inputs, and what steps leave

        def run():
            gpu.peak = max(gpu.peak, gpu.now + 300)
            warnings.warn(MESSAGE, stacklevel=1)

        return run

    bench = Bench('cuda', rounds=1, matrix_rates={})
    (figure,) = bench.measure(WORK, [Contender('a', make, model_bytes=500)], with_flops=False)
    assert figure.gigabytes == pytest.approx((500 + 40 + 300) / 1e9)
    assert figure.syncs_per_image == 1 / WORK.batch
