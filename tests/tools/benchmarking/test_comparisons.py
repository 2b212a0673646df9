"""The two sides of the comparisons do the same work; in this process, at tiny sizes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from benchmarking.comparison import Side
from benchmarking.comparisons import (
    ADE20K_DATA,
    COCO_DATA,
    COMPARISONS,
    POST_PROCESSING,
    SWIN_T,
    SWIN_T_TRAINING,
    VIT_B_FROZEN,
    VIT_B_TRAINING,
)
from benchmarking.curves import CURVES
from benchmarking.measures import TimeOfFurtherTask
from benchmarking.measuring import Timing
from benchmarking.settings import Settings
from benchmarking.training import kept_memory
from benchmarking.training_memory import SAVINGS
from torch import nn

QUICK = Settings(rounds=1, quick=True)
SHALLOW = {  # exporting takes time for each layer
    'model.backbone': dict(
        _delete_=True, type='ConvNeXt', depths=(1, 1, 1, 1), channels=(16, 32, 64, 128), drop_path_rate=0.0
    ),
    'model.panoptic_head.query_initializer': dict(num_layers=1),
    'model.panoptic_head.masked_decoder': dict(num_layers=1),
}


def make(maker, case):
    return Side(maker, case).under(QUICK).make()


def test_names_are_unique_and_makers_exist():
    pytest.importorskip('transformers')
    assert len({comparison.name for comparison in COMPARISONS}) == len(COMPARISONS)
    for comparison in COMPARISONS:
        assert callable(comparison.ours.load())
        assert callable(comparison.peer.load())


def test_hugging_face_has_our_weights_and_input():
    pytest.importorskip('transformers')
    case = replace(SWIN_T, tasks=('panoptic', 'semantic'))
    ours, theirs = make('our_model:forward', case)(), make('hugging_face:forward', case)()
    assert ours.keys() == theirs.keys() == {'panoptic', 'semantic'}
    for task, logits in ours.items():
        for found, expected in zip(logits, theirs[task], strict=True):
            torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize('case', [COCO_DATA, ADE20K_DATA], ids=['coco', 'ade20k'])
def test_pipelines_draw_the_same_crop(case):
    ours, theirs = make('pipelines:ours', case)(), make('pipelines:mmdet', case)()
    assert len(ours) == len(theirs) == 2
    for our, their in zip(ours, theirs, strict=True):
        height, width = their['inputs'].shape[1:]
        crop = our['inputs'][:, :height, :width]
        # theirs resizes floats for COCO, ours bytes
        torch.testing.assert_close(crop.float(), their['inputs'].float(), atol=1, rtol=0)
        assert our['data_samples'].flip == their['data_samples'].flip


def test_post_processing_finds_the_same_segments():
    pytest.importorskip('transformers')
    case = replace(POST_PROCESSING, masks=5)
    ours, theirs = make('post_processing:ours', case)(), make('post_processing:hugging_face', case)()
    void = 19
    labels = {info['id']: info['label_id'] for info in theirs['panoptic']['segments_info']}
    table = np.array([labels.get(index, void) for index in range(max(labels) + 1)])
    expected = torch.from_numpy(table[theirs['panoptic']['segmentation'].numpy()])
    found = ours['panoptic'].pixels % 1000
    seen = found != void  # ours leaves pixels outside of every mask void, theirs gives them to the nearest
    assert seen.float().mean() > 0.2
    assert (found == expected)[seen].float().mean() > 0.98
    assert (ours['semantic'] == theirs['semantic'])[seen].float().mean() > 0.95


@pytest.mark.parametrize('maker', ['our_model', 'hugging_face'])
def test_training_steps_give_a_finite_loss(maker):
    pytest.importorskip('transformers')
    step = make(f'{maker}:training_step', SWIN_T_TRAINING)
    assert 0 < step() < 1e4


def test_a_frozen_transformer_does_not_learn():
    case = VIT_B_FROZEN.under(QUICK)
    assert case.options['model.backbone.frozen']
    assert case.options['model.backbone.model'] == 'test_vit'
    assert 0 < make('our_model:training_step', VIT_B_FROZEN)() < 1e4


def test_what_a_training_step_keeps():
    frozen, learning = (make('our_model:kept_in_training', case)() for case in (VIT_B_FROZEN, VIT_B_TRAINING))
    assert 0 < frozen < learning
    layer = nn.Linear(8, 4)  # keeps its input, and has 36 parameters
    inputs = torch.ones(5, 8)
    assert kept_memory(layer, lambda: layer(inputs).sum()) == 4 * (5 * 8 + 3 * 36)


def test_cost_of_a_further_task(monkeypatch):
    timing = Timing(ours=[1.2, 1.4], peer=[1.0, 1.0])
    names = TimeOfFurtherTask.row.__globals__  # of its module, which others may have imported again
    monkeypatch.setitem(names, 'in_fresh_process', lambda *arguments, threads: timing)
    comparison = next(c for c in COMPARISONS if c.name == 'further-task')
    (measure,) = comparison.measures
    assert isinstance(measure, TimeOfFurtherTask)
    row = measure.row(comparison, QUICK)
    assert row.value == pytest.approx(0.15)
    assert row.spread == pytest.approx((0.1, 0.2))


def test_savings_and_curves_change_the_case():
    cases = [saving.apply(SWIN_T_TRAINING) for saving in SAVINGS]
    assert cases[0] == SWIN_T_TRAINING
    assert all(case != SWIN_T_TRAINING for case in cases[1:])
    for curve in CURVES:
        assert len({str(curve.vary(curve.case, value)) for value in curve.values}) == len(curve.values)


@pytest.mark.slow
def test_exported_files_compute_what_torch_does():
    """In onnxruntime; a file of OpenVINO is made of that."""
    case = replace(SWIN_T, tasks=('instance', 'semantic'), options=SHALLOW)
    found, expected = make('exported:onnxruntime', case)(), make('exported:torch_forward', case)()
    for index, task in enumerate(case.tasks):
        for ours, theirs in zip(found, expected[task], strict=True):
            np.testing.assert_allclose(ours[:, index], theirs.numpy(), atol=1e-3)
