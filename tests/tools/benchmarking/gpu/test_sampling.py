import torch
from benchmarking.gpu.figures import OURS
from benchmarking.gpu.implementations import NETWORKS
from benchmarking.gpu.sampling import FORMS, PLAIN, make_run, measure_row
from benchmarking.gpu.side_by_side import Bench
from benchmarking.settings import Settings


def test_the_forms_give_the_same():
    for backward in (False, True):
        ours, plain = (make_run(FORMS[name], (64, 96), 1, 'cpu', backward=backward)() for name in (OURS, PLAIN))
        torch.testing.assert_close(ours, plain, atol=1e-4, rtol=1e-4)


def test_a_row():
    bench = Bench('cpu', rounds=1, matrix_rates={})
    settings = Settings(rounds=1, quick=True)
    figures = list(measure_row(NETWORKS['r50'], 1, backward=True, bench=bench, settings=settings))
    assert [figure.implementation for figure in figures] == [OURS, PLAIN]
    assert figures[0].work.what == 'deformable sampling, forward and backward'
