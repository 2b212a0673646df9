"""Training, resuming and evaluating by the real runner, on a few real files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmoneformer.apis import init_model
from mmoneformer.apis.train_and_test import evaluate, load_config, train
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.models.oneformer import OneFormer
from mmoneformer.tiling import tiled_model

CONFIG = Path(__file__).parents[2] / 'configs' / 'oneformer_tiny_shapes.py'


@pytest.fixture(scope='module')
def options(tmp_path_factory):
    """Settings that make the demo's config small: 64 pixels, 6 images, 2 steps."""
    root = tmp_path_factory.mktemp('data') / 'shapes'
    write_shapes(root, num_train=4, num_val=2, size=64, seed=0)
    loaders = {
        f'{split}_dataloader.{key}': value
        for split in ('train', 'val', 'test')
        for key, value in {
            'dataset.data_root': str(root),
            'num_workers': 0,
            'persistent_workers': False,
        }.items()
    }
    return loaders | {
        'model.panoptic_head.set_loss.num_points': 64,
        'train_cfg.max_iters': 2,
        'train_cfg.val_interval': 2,
        'default_hooks.checkpoint.interval': 2,
        'default_hooks.logger.interval': 1,
    }


@pytest.fixture(scope='module')
def trained(options, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('work')
    runner = train(load_config(CONFIG, work_dir=str(work_dir), cfg_options=options))
    return work_dir, runner


def test_training_validates_all_three_tasks(trained):
    _, runner = trained
    scalars = runner.message_hub.log_scalars
    for metric in ('PQ', 'SQ', 'RQ', 'PQ_things', 'PQ_stuff', 'AP', 'mIoU'):
        assert f'val/{metric}' in scalars
    for term in ('loss_cls', 'loss_mask', 'loss_dice', 'd0.loss_cls', 'loss_contrastive'):
        assert np.isfinite(scalars[f'train/{term}'].current()), term


def test_evaluation_gives_the_metrics_of_validation(trained, options, tmp_path):
    work_dir, runner = trained
    cfg = load_config(CONFIG, work_dir=str(tmp_path), cfg_options=options)
    metrics = evaluate(cfg, str(work_dir / 'iter_2.pth'), show_dir=str(tmp_path / 'pictures'))
    scalars = runner.message_hub.log_scalars
    for metric in ('PQ', 'AP', 'mIoU'):
        assert metrics[metric] == pytest.approx(scalars[f'val/{metric}'].current(), abs=1e-6, nan_ok=True)
    assert len(list((tmp_path / 'pictures').glob('*.png'))) == 2


def test_evaluation_of_some_tasks(trained, options, tmp_path):
    work_dir, _ = trained
    cfg = load_config(CONFIG, work_dir=str(tmp_path), cfg_options=options)
    before = cfg.to_dict()
    metrics = evaluate(cfg, str(work_dir / 'iter_2.pth'), tasks=['semantic'], show_dir=str(tmp_path / 'images'))
    assert cfg.to_dict() == before
    assert 'mIoU' in metrics
    assert not {'PQ', 'AP'} & metrics.keys()


def test_resuming_goes_on_from_the_last_checkpoint(trained, options, tmp_path):
    work_dir, _ = trained
    settings = options | {'train_cfg.max_iters': 3, 'default_hooks.checkpoint.interval': 3}
    resumed = train(
        load_config(CONFIG, work_dir=str(tmp_path), cfg_options=settings), resume=str(work_dir / 'iter_2.pth')
    )
    assert resumed.iter == 3
    states = resumed.optim_wrapper.optimizer.state.values()
    assert {int(state['step']) for state in states} == {3}
    assert (tmp_path / 'iter_3.pth').exists()


def test_a_trained_checkpoint_needs_no_config(trained):
    work_dir, runner = trained
    model = init_model(checkpoint=work_dir / 'iter_2.pth', device='cpu')
    assert model.dataset_meta['classes'] == runner.train_dataloader.dataset.metainfo['classes']
    for key, value in runner.model.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key


def test_semantic_task_with_augmentation(trained, options, tmp_path):
    work_dir, _ = trained
    cfg = load_config(CONFIG, work_dir=str(tmp_path), cfg_options=options)
    with pytest.raises(ValueError, match='tta_pipeline'):
        evaluate(cfg, str(work_dir / 'iter_2.pth'), tta=True)
    cfg.tta_model = dict(type='SemanticTTA')
    cfg.tta_pipeline = [
        dict(type='LoadImageFromFile'),
        dict(
            type='TestTimeAug',
            transforms=[
                [dict(type='mmdet.Resize', scale=scale, keep_ratio=True) for scale in ((80, 64), (120, 96))],
                [dict(type='mmdet.RandomFlip', prob=prob) for prob in (0.0, 1.0)],
                [dict(type='LoadPanopticMap')],
                [dict(type='PackOneFormerInputs')],
            ],
        ),
    ]
    with pytest.raises(ValueError, match=r"\['panoptic'\]"):
        evaluate(cfg, str(work_dir / 'iter_2.pth'), tasks=['panoptic'], tta=True)
    metrics = evaluate(cfg, str(work_dir / 'iter_2.pth'), tta=True)
    assert 0 <= metrics['mIoU'] <= 100
    assert 'PQ' not in metrics


def test_tiles(trained, options, tmp_path, monkeypatch):
    """Resized in place of the images, and measured at the size of the images."""
    work_dir, _ = trained
    cfg = load_config(CONFIG, work_dir=str(tmp_path), cfg_options=options)
    seen = []
    predict_tiles = tiled_model.predict_tiles
    monkeypatch.setattr(
        tiled_model,
        'predict_tiles',
        lambda picture, grid, *args, **kw: seen.append(grid) or predict_tiles(picture, grid, *args, **kw),
    )
    metrics = evaluate(cfg, str(work_dir / 'iter_2.pth'), tile=48, overlap=8)
    assert {'PQ', 'AP', 'mIoU'} <= metrics.keys()
    assert {grid.windows[0].size for grid in seen} == {(48, 48)}
    assert {min(grid.size) for grid in seen} == {64}
    with pytest.raises(ValueError, match='takes whole images: leave out tile, or tta'):
        evaluate(cfg, str(work_dir / 'iter_2.pth'), tile=48, tta=True)


def test_each_run_logs_into_its_own_folder(trained, options, tmp_path):
    """Also the second one of a process."""
    train(load_config(CONFIG, work_dir=str(tmp_path), cfg_options=options | {'train_cfg.val_begin': 9}))
    for work_dir in (trained[0], tmp_path):
        (log,) = work_dir.glob('*/vis_data/scalars.json')
        assert log.stat().st_size


def test_training_in_bfloat16(options, tmp_path):
    settings = options | {'optim_wrapper.dtype': 'bfloat16', 'train_cfg.val_begin': 9}
    runner = train(load_config(CONFIG, work_dir=str(tmp_path), cfg_options=settings), amp=True)
    assert runner.optim_wrapper.in_bfloat16
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())


def test_resuming_where_nothing_is_yet(options, tmp_path):
    """Starts from the beginning, with the weights that the config starts from."""
    runner = train(
        load_config(CONFIG, work_dir=str(tmp_path), cfg_options=options | {'train_cfg.val_begin': 9}), resume=True
    )
    assert runner.iter == 2


def test_a_loss_that_is_not_finite_leaves_the_weights(options, tmp_path, monkeypatch):
    """And is named, with the images, in the log; then training goes on."""
    model_loss, calls = OneFormer._loss, []

    def broken(self, inputs, data_samples):
        calls.append([sample.img_path for sample in data_samples])
        losses = model_loss(self, inputs, data_samples)
        if len(calls) == 1:
            losses['loss_dice'] = losses['loss_dice'] * float('nan')
        return losses

    monkeypatch.setattr(OneFormer, '_loss', broken)
    runner = train(load_config(CONFIG, work_dir=str(tmp_path), cfg_options=options | {'train_cfg.val_begin': 9}))
    (log,) = tmp_path.glob('*/*.log')
    said = next(line for line in log.read_text().splitlines() if 'not finite' in line)
    assert 'loss_dice' in said
    assert all(path in said for path in calls[0])
    states = runner.optim_wrapper.optimizer.state.values()
    assert {int(state['step']) for state in states} == {1}


def test_the_same_seed_gives_the_same_weights(trained, options, tmp_path):
    _, runner = trained
    again = train(load_config(CONFIG, work_dir=str(tmp_path), cfg_options=options))
    for key, value in runner.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[key], value), key


def test_a_checkpoint_is_evaluated_with_the_config_it_carries(trained, options, tmp_path):
    work_dir, runner = trained
    checkpoint = work_dir / 'iter_2.pth'
    cfg = load_config(checkpoint, work_dir=str(tmp_path), cfg_options=options)
    metrics = evaluate(cfg, str(checkpoint), tasks=['semantic'])
    assert metrics['mIoU'] == pytest.approx(runner.message_hub.log_scalars['val/mIoU'].current(), abs=1e-6)
    assert load_config(checkpoint).work_dir == 'work_dirs/iter_2'


def test_the_config_of_a_checkpoint_chooses_no_program(trained, options, tmp_path):
    checkpoint = trained[0] / 'iter_2.pth'
    cfg = load_config(checkpoint, work_dir=str(tmp_path), cfg_options=options)
    cfg.test_evaluator = [dict(type='subprocess.Popen', args=['touch', str(tmp_path / 'ran')])]
    with pytest.raises(ValueError, match='Popen'):
        evaluate(cfg, str(checkpoint))
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'model.test_cfg.tasks': ['semantic']}, "Add 'panoptic' to model.test_cfg.tasks"),
        ({'default_hooks.checkpoint.save_best': 'AP_large_things'}, "is 'AP_large_things', which no metric"),
        ({'val_dataloader.dataset.pipeline.2': dict(type='mmdet.RandomFlip', prob=0.0)}, 'has no gt_panoptic_seg'),
    ],
)
def test_a_validation_that_will_fail_stops_the_training_at_once(options, tmp_path, change, said):
    cfg = load_config(CONFIG, work_dir=str(tmp_path), cfg_options=options | change)
    with pytest.raises(ValueError, match=said):
        train(cfg)
    assert not list(tmp_path.glob('*.pth'))


def test_a_config_without_test_data(options, tmp_path):
    cfg = load_config(CONFIG, work_dir=str(tmp_path))
    for key in ('test_dataloader', 'optim_wrapper'):
        cfg.pop(key)
    path = tmp_path / 'model_only.py'
    cfg.dump(path)
    with pytest.raises(ValueError, match='has no test data'):
        evaluate(load_config(path, work_dir=str(tmp_path)), 'converted.pth')
