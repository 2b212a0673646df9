"""Inference, training, and compiling of the implementations, in this process, at tiny sizes."""

from dataclasses import replace

import pytest
import torch
from benchmarking.gpu import compiled, implementations, side_by_side, training
from benchmarking.gpu.figures import OURS, Failure, Figure, Machine
from benchmarking.gpu.implementations import MASK2FORMER, NETWORKS, TRANSFORMERS, build_all, model_bytes
from benchmarking.gpu.inference import ROWS, measure_row
from benchmarking.gpu.side_by_side import Bench
from benchmarking.settings import Settings
from mmcv.ops import multi_scale_deform_attn

from mmoneformer.mmcv_ops import are_compiled

QUICK = Settings(rounds=1, quick=True)
SWIN = NETWORKS['swin-l']
ALL = (OURS, TRANSFORMERS, MASK2FORMER)


@pytest.fixture(autouse=True)
def without_warm_up(monkeypatch):
    monkeypatch.setattr(side_by_side, 'WARM_UP_RUNS', 0)


@pytest.fixture(scope='module')
def built():
    pytest.importorskip('transformers')
    works, failures = build_all(ALL, SWIN, QUICK)
    assert not failures
    return works


@pytest.fixture
def bench():
    return Bench('cpu', rounds=1, matrix_rates=dict.fromkeys(('float32', 'tf32', 'bfloat16'), 1e12))


def test_a_forward_pass_of_each(built, bench):
    row = next(row for row in ROWS if not row.end_to_end)
    figures = list(measure_row(replace(row, precision='float32'), SWIN, built, bench, QUICK))
    assert [figure.implementation for figure in figures] == list(ALL)
    assert all(figure.matrix_share > 0 for figure in figures)
    assert {str(figure.work) for figure in figures} == {'Swin-L (tiny): forward, one task, float32, batch 1'}


def test_the_plain_attention_of_mmcv_where_it_has_no_operators(built):
    assert multi_scale_deform_attn.IS_CUDA_AVAILABLE in ((True, False) if are_compiled() else (False,))


def test_results_of_each(built, bench):
    case = replace(SWIN.case.under(QUICK), tasks=('panoptic', 'instance', 'semantic'), batch=2, masks=5)
    ours, theirs, mask2formers = (built[name].end_to_end(case)() for name in ALL)
    for sample, their_panoptic, their_semantic in zip(ours, theirs[0], theirs[2], strict=True):
        assert set(case.tasks) == set(sample.task_tokens)
        assert sample.pred_panoptic_seg.sem_seg.shape[1:] == their_semantic.shape == case.size
        assert len(sample.pred_segments) > 0
        assert len(their_panoptic['segments_info']) > 0
    assert len(mask2formers) == 2
    assert (mask2formers[0].pred_panoptic_seg.sem_seg < SWIN.case.batch * 1000 * 250).all()
    assert 'pred_instances' in mask2formers[0]


def test_drawn_logits_are_used_in_the_run_alone(built):
    case = SWIN.case.under(QUICK)
    before = built[OURS].forward(case)()['panoptic'][0]
    built[OURS].end_to_end(case)()
    torch.testing.assert_close(built[OURS].forward(case)()['panoptic'][0], before)


def test_training_steps_of_each(bench, monkeypatch):
    pytest.importorskip('transformers')
    monkeypatch.setattr(side_by_side, 'count_flops', lambda run: 1)
    works, failures = build_all((OURS, MASK2FORMER), SWIN, QUICK, is_training=True)
    assert not failures
    figures = list(training.measure_row('float32', 2, SWIN, works, bench, QUICK))
    assert [figure.implementation for figure in figures] == [OURS, MASK2FORMER]
    assert figures[0].work.what == 'training step'
    assert all(parameter.grad is None for work in works.values() for parameter in work.model.parameters())


def test_one_that_cannot_be_built_is_a_failure(monkeypatch):
    def raising(name, *arguments, **options):
        raise ImportError('No module named transformers')

    monkeypatch.setattr(implementations, 'build', raising)
    works, failures = build_all((TRANSFORMERS,), SWIN, QUICK)
    assert not works
    assert failures == [Failure('Swin-L, transformers', 'ImportError: No module named transformers')]


def test_compiled_networks_tell_how_long_it_took(monkeypatch):
    compiled_functions = []
    monkeypatch.setattr(torch, 'compile', lambda function: compiled_functions.append(function) or function)
    machine, figure = compiled.prepare('swin-l', OURS, QUICK)()
    assert isinstance(machine, Machine)
    assert isinstance(figure, Figure)
    assert len(compiled_functions) == 1
    assert figure.compile_seconds > 0
    assert figure.matrix_share > 0


def test_bytes_of_a_model():
    model = torch.nn.BatchNorm1d(4)
    assert model_bytes(model) == 4 * 4 * 4 + 8
