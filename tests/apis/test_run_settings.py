"""Settings of a training or an evaluation: options, metrics and mixed precision."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.device import get_device

from mmoneformer.apis.train_and_test import load_config, restrict_tasks, train
from mmoneformer.engine.optimizers import FiniteOptimWrapper
from mmoneformer.evaluation import PanopticQuality

CONFIG = Path(__file__).parents[2] / 'configs' / 'oneformer_tiny_shapes.py'


def test_work_folder_is_named_after_the_config():
    assert load_config(CONFIG).work_dir == 'work_dirs/oneformer_tiny_shapes'
    assert load_config(CONFIG, work_dir='elsewhere').work_dir == 'elsewhere'


@pytest.mark.parametrize('name', ['tiny.pth', 'tiny.pt', 'tiny'])
def test_the_config_in_a_checkpoint_of_any_suffix(checkpoint_file, name):
    path = checkpoint_file.rename(checkpoint_file.with_name(name))
    cfg = load_config(path)
    assert (cfg.model.type, cfg.work_dir) == ('OneFormer', 'work_dirs/tiny')


def test_options_reach_inside():
    cfg = load_config(CONFIG, cfg_options={'model.test_cfg.overlap_thr': 0.5})
    assert cfg.model.test_cfg.overlap_thr == 0.5


def test_metrics_of_other_packages_are_kept():
    cfg = load_config(CONFIG)
    cfg.test_evaluator = [*cfg.test_evaluator, dict(type='mmseg.IoUMetric')]
    restricted = restrict_tasks(cfg, ['instance'])
    assert (len(cfg.test_evaluator), restricted.model.test_cfg.tasks) == (4, ['instance'])
    assert [evaluator.type for evaluator in restricted.test_evaluator] == ['ThingInstanceAP', 'mmseg.IoUMetric']
    with pytest.raises(ValueError, match='painting'):
        restrict_tasks(cfg, ['painting'])


@pytest.mark.parametrize(
    ('accelerator', 'dtype', 'expected'),
    [
        (False, None, {'type': 'FiniteOptimWrapper'}),
        (False, 'float16', {'type': 'FiniteOptimWrapper'}),
        (False, 'bfloat16', {'type': 'FiniteOptimWrapper', 'dtype': 'bfloat16'}),
        (True, None, {'type': 'AmpOptimWrapper', 'loss_scale': 'dynamic'}),
        (True, 'bfloat16', {'type': 'FiniteOptimWrapper', 'dtype': 'bfloat16'}),
    ],
)
def test_mixed_precision(monkeypatch, accelerator, dtype, expected):
    """float16 needs an accelerator."""
    monkeypatch.setattr('mmoneformer.apis.train_and_test.trains_on_accelerator', lambda: accelerator)
    started = []
    monkeypatch.setattr(
        'mmoneformer.apis.train_and_test._start', lambda cfg: started.append(cfg) or SimpleNamespace(train=int)
    )
    slow = []
    monkeypatch.setattr('mmoneformer.apis.train_and_test.warn_if_slow', lambda *asked: slow.append(asked))
    options = {'optim_wrapper.loss_scale': 'dynamic'} | ({} if dtype is None else {'optim_wrapper.dtype': dtype})
    train(load_config(CONFIG, cfg_options=options), amp=True)
    (cfg,) = started
    assert {
        key: cfg.optim_wrapper[key] for key in ('type', 'dtype', 'loss_scale') if key in cfg.optim_wrapper
    } == expected
    assert slow == [(expected.get('dtype', 'float32'), torch.device(get_device()))]


@pytest.mark.parametrize('wrapper', [FiniteOptimWrapper, 'mmoneformer.FiniteOptimWrapper', 'mmengine.AmpOptimWrapper'])
def test_mixed_precision_of_a_class_or_a_name_with_prefix(monkeypatch, wrapper):
    monkeypatch.setattr('mmoneformer.apis.train_and_test.trains_on_accelerator', lambda: True)
    started = []
    monkeypatch.setattr(
        'mmoneformer.apis.train_and_test._start', lambda cfg: started.append(cfg) or SimpleNamespace(train=int)
    )
    cfg = load_config(CONFIG)
    cfg.optim_wrapper.type = wrapper
    train(cfg, amp=True)
    assert started[0].optim_wrapper.type == 'AmpOptimWrapper'


def test_metrics_of_a_class_or_a_name_with_prefix():
    cfg = load_config(CONFIG)
    cfg.test_evaluator = [
        dict(type=PanopticQuality),
        dict(type='mmoneformer.ThingInstanceAP'),
        dict(type='SemanticIoU'),
    ]
    assert restrict_tasks(cfg, ['panoptic', 'semantic']).test_evaluator == [
        cfg.test_evaluator[0],
        cfg.test_evaluator[2],
    ]


def test_mixed_precision_of_a_wrapper_that_has_its_own():
    cfg = load_config(CONFIG.with_name('oneformer_convnext-xl_ade20k_fsdp.py'))
    with pytest.raises(ValueError, match='FullyShardedOptimWrapper.*optim_wrapper.dtype=bfloat16'):
        train(cfg, amp=True)
