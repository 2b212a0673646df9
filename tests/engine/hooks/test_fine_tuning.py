import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmoneformer.apis.train_and_test import load_config, train
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.engine.hooks import FineTuningHook
from mmoneformer.registry import MODELS

DATA = Path(__file__).parents[2] / 'data'
SHAPES = Path(__file__).parents[3] / 'configs/_base_/datasets/shapes.py'
CLASS_BIAS = 'panoptic_head.prediction.classify.bias'
EMBED = 'panoptic_head.query_embed'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'signs'
    write_shapes(folder, num_train=2, num_val=1, size=64, seed=0, classes='signs')
    return folder


@pytest.fixture
def cfg(folder, tmp_path, monkeypatch):
    """One step of the tiny model on shapes of other classes, from weights of the shapes' classes."""
    monkeypatch.setattr(Config, 'pretty_text', '')  # formatting it takes longer than the training
    cfg = load_config(DATA / 'tiny_oneformer.py', work_dir=str(tmp_path / 'run'))
    data = Config.fromfile(SHAPES)
    dataset = data.train_dataloader.dataset | dict(metainfo=None, data_root=str(folder), filter_cfg=None)
    cfg.train_dataloader = data.train_dataloader | dict(
        dataset=dataset, batch_size=2, num_workers=0, persistent_workers=False
    )
    cfg.model.backbone.pop('init_cfg')
    cfg.model.metainfo = dict(
        classes=('cross', 'brick', 'star', 'snow', 'arrow', 'grass', 'hexagon'), thing_ids=(0, 2, 4, 6)
    )
    cfg.model.panoptic_head.set_loss = dict(type='MaskSetLoss', num_points=16)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
    cfg.optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.0))
    cfg.default_hooks = dict(fine_tuning=dict(type='FineTuningHook'), checkpoint=dict(type='CheckpointHook'))
    cfg.pop('test_dataloader')
    return cfg


@pytest.fixture
def stored(cfg, tmp_path):
    """A checkpoint of another model, with 9 classes and 8 queries."""
    data = Config.fromfile(SHAPES)
    model_cfg = copy.deepcopy(cfg.model)
    model_cfg.metainfo = data.metainfo
    model_cfg.panoptic_head.num_queries = 8
    torch.manual_seed(3)
    model = MODELS.build(dict(model_cfg, _scope_='mmoneformer'))
    model.state_dict()[CLASS_BIAS].copy_(torch.arange(10.0) + 50)
    checkpoint = {'state_dict': model.state_dict(), 'meta': {'dataset_meta': dict(model.dataset_meta)}}
    torch.save(checkpoint, tmp_path / 'shapes.pth')
    return checkpoint


def test_training_begins_with_the_rows_of_the_same_classes(cfg, stored, tmp_path, caplog):
    cfg.load_from = str(tmp_path / 'shapes.pth')
    trained = train(cfg).model.state_dict()  # with a learning rate of 0
    bias = trained[CLASS_BIAS].tolist()
    assert (bias[2], bias[5], bias[7]) == (56, 50, 59)  # star, grass, no object
    assert max(abs(bias[index]) for index in (0, 1, 3, 4, 6)) < 1
    embed = stored['state_dict'][EMBED]
    torch.testing.assert_close(trained[EMBED], torch.cat((embed[:5], embed[-1:])))
    log = next((tmp_path / 'run').rglob('*.log')).read_text()
    assert "classes: 2 kept ('star', 'grass'); 5 new ('cross', 'brick', 'snow', 'arrow', 'hexagon')" in log
    assert 'queries: 6 kept; 0 new; 2 dropped' in log
    assert 'size mismatch' not in log


@pytest.fixture
def runner(cfg):
    """A runner before it loads weights, in training."""
    runner = Runner.from_cfg(cfg)
    runner.optim_wrapper = runner.build_optim_wrapper(cfg.optim_wrapper)
    return runner


def checkpoint_of(runner):
    """What the run would save."""
    progress = {'epoch': 0, 'iter': 1, 'dataset_meta': dict(runner.model.dataset_meta)}
    weights = {key: tensor.clone() for key, tensor in runner.model.state_dict().items()}
    return {'state_dict': weights, 'meta': progress, 'message_hub': {}}


def test_a_run_that_is_resumed_is_left_alone(runner):
    checkpoint = checkpoint_of(runner)
    before = dict(checkpoint['state_dict'])
    runner._resume = True
    FineTuningHook().after_load_checkpoint(runner, checkpoint)
    assert before == checkpoint['state_dict']


def reorder(checkpoint):
    classes = checkpoint['meta']['dataset_meta']['classes']
    checkpoint['meta']['dataset_meta']['classes'] = (*classes[1:], classes[0])


def leave_out_a_class(checkpoint):
    checkpoint['meta']['dataset_meta'] |= {'classes': checkpoint['meta']['dataset_meta']['classes'][:-1]}


CHANGES = [
    (reorder, "the checkpoint's classes are not those of the config: class 0 is 'brick'"),
    (leave_out_a_class, 'there are 6 classes and in the config 7'),
    (lambda c: c['state_dict'].pop(EMBED), rf'^mine\.pth does not fit the model: missing: {EMBED} \[6, 32\]'),
    (lambda c: c.update(state_dict={f'a.b.{k}': v for k, v in c['state_dict'].items()}), "remove the prefix 'a.b.'"),
    (lambda c: c.update(model=c.pop('state_dict')), r"^mine\.pth has no 'state_dict', only .*'model'"),
]


@pytest.mark.parametrize('is_resumed', [True, False])
@pytest.mark.parametrize(('change', 'message'), CHANGES)
def test_resuming_and_testing_with_what_does_not_fit(runner, is_resumed, change, message):
    checkpoint = checkpoint_of(runner)
    change(checkpoint)
    runner._resume, runner._load_from = is_resumed, 'mine.pth'
    if not is_resumed:
        runner.optim_wrapper = None
    with pytest.raises(ValueError, match=message):
        FineTuningHook().after_load_checkpoint(runner, checkpoint)


@pytest.mark.parametrize(('change', 'message'), CHANGES[2:])
def test_training_from_what_does_not_fit(runner, change, message):
    checkpoint = checkpoint_of(runner)
    change(checkpoint)
    runner._load_from = 'mine.pth'
    with pytest.raises(ValueError, match=message):
        FineTuningHook().after_load_checkpoint(runner, checkpoint)


def test_resuming_from_weights_alone(runner):
    checkpoint = checkpoint_of(runner)
    runner._resume, runner._load_from = True, 'mine.pth'
    del checkpoint['meta']['iter']
    with pytest.raises(ValueError, match=r'mine\.pth contains weights, but not the progress of .* load_from'):
        FineTuningHook().after_load_checkpoint(runner, checkpoint)


def test_wrapped_weights_and_arrays(runner):
    checkpoint = checkpoint_of(runner)
    checkpoint['state_dict'] = {f'module.{key}': value.numpy() for key, value in checkpoint['state_dict'].items()}
    FineTuningHook().after_load_checkpoint(runner, checkpoint)
    runner.model.load_state_dict(checkpoint['state_dict'])


def test_weights_without_what_only_training_needs(runner):
    checkpoint = checkpoint_of(runner)
    weights = checkpoint['state_dict']
    checkpoint['state_dict'] = {key: value for key, value in weights.items() if '.text_mapper.' not in key}
    assert len(checkpoint['state_dict']) < len(weights)
    FineTuningHook().after_load_checkpoint(runner, checkpoint)


def test_classes_without_names(runner, stored):
    stored.pop('meta')
    with pytest.raises(ValueError, match='weights of load_from have 9 classes, but 7 names of classes'):
        FineTuningHook().after_load_checkpoint(runner, stored)
