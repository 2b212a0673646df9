"""The curves of trainings, and the command line on the logs of a real one, which TensorBoard gets, too."""

import json
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.visualization import LocalVisBackend

from mmoneformer.apis.train_and_test import load_config, train
from mmoneformer.datasets.shapes.folder import write_shapes

ROOT = Path(__file__).parents[2]
TOOL = runpy.run_path(str(ROOT / 'tools/plot_log.py'))
Curve, Run, main, plot_runs, read_run, smooth = (
    TOOL[name] for name in ('Curve', 'Run', 'main', 'plot_runs', 'read_run', 'smooth')
)
VIS_BACKENDS = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]


@pytest.fixture
def work_dir(tmp_path):
    """Of a training with two validations."""
    pytest.importorskip('tensorboard')
    write_shapes(tmp_path / 'shapes', num_train=4, num_val=2, size=64, seed=0)
    options = {
        'visualizer.vis_backends': VIS_BACKENDS,
        'default_hooks.logger.interval': 1,
        'default_hooks.visualization.num_val_images': 1,
        'train_dataloader.batch_size': 2,
        'train_cfg.max_iters': 4,
        'train_cfg.val_interval': 2,
    }
    for split in ('train', 'val'):
        options[f'{split}_dataloader.dataset.data_root'] = f'{tmp_path}/shapes/'
        options[f'{split}_dataloader.num_workers'] = 0
        options[f'{split}_dataloader.persistent_workers'] = False
    config = ROOT / 'configs/oneformer_tiny_shapes.py'
    train(load_config(config, work_dir=str(tmp_path / 'run'), cfg_options=options))
    return tmp_path / 'run'


@pytest.mark.slow
def test_a_training_is_watched(work_dir, tmp_path, capsys):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (folder,) = work_dir.glob('*/vis_data')
    events = EventAccumulator(str(folder))
    events.Reload()
    assert [event.step for event in events.Scalars('loss')] == [1, 2, 3, 4]
    for metric in ('PQ', 'AP', 'mIoU'):
        assert [event.step for event in events.Scalars(metric)] == [2, 4]
    assert [image.step for image in events.Images('val_1')] == [2, 4]
    assert sorted(path.name for path in folder.glob('vis_image/*')) == ['val_1_2.png', 'val_1_4.png']

    main([str(work_dir), '--out', str(tmp_path / 'curves.png'), '--keys', 'loss', 'PQ'])
    assert 'loss, PQ: ' in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / 'curves.png')) is not None


def test_a_folder_that_is_none_is_an_error(tmp_path, capsys):
    with pytest.raises(SystemExit, match='2'):
        main([str(tmp_path)])
    assert 'give the work folder of a training' in capsys.readouterr().err


def write_log(work_dir, start, entries):
    """Write a log as a start of a training does, with mmengine's own writer."""
    backend = LocalVisBackend(str(work_dir / start / 'vis_data'))
    for step, scalars in entries:
        backend.add_scalars(scalars, step=step)
    return work_dir / start / 'vis_data/scalars.json'


def curve(run, key):
    return list(zip(*(part.tolist() for part in run.curves[key]), strict=True))


def test_curves_of_a_log(tmp_path):
    log = write_log(tmp_path, '1', [(5, dict(loss=3.0, iter=5)), (10, dict(loss=2.0, iter=10)), (10, dict(PQ=40.0))])
    run = read_run(log)
    assert run.name == 'scalars'
    assert set(run.curves) == {'loss', 'PQ'}
    assert curve(run, 'loss') == [(5, 3), (10, 2)]
    assert curve(run, 'PQ') == [(10, 40)]


def test_a_resumed_run_is_one(tmp_path):
    write_log(tmp_path, '20260101_000000', [(5, dict(loss=5.0)), (10, dict(loss=4.0)), (15, dict(loss=9.0))])
    write_log(tmp_path, '20260102_000000', [(15, dict(loss=3.0)), (20, dict(loss=2.0))])
    run = read_run(tmp_path)
    assert run.name == tmp_path.name
    assert curve(run, 'loss') == [(5, 5), (10, 4), (15, 3), (20, 2)]


def test_validations_that_are_counted_in_epochs_stand_behind_their_iteration(tmp_path):
    log = write_log(tmp_path, '1', [(5, dict(loss=3.0)), (0, dict(PQ=1.0)), (10, dict(loss=2.0)), (1, dict(PQ=2.0))])
    assert curve(read_run(log), 'PQ') == [(5, 1), (10, 2)]


def test_an_incomplete_line_is_ignored(tmp_path):
    log = write_log(tmp_path, '1', [(5, dict(loss=3.0))])
    with log.open('a') as file:
        file.write('{"loss": 2.0, "st')
    assert curve(read_run(log), 'loss') == [(5, 3)]


def test_values_that_are_not_finite_are_kept(tmp_path):
    log = write_log(tmp_path, '1', [(5, dict(AP=float('nan')))])
    assert np.isnan(read_run(log).curves['AP'].values).all()


def test_a_folder_without_log(tmp_path):
    with pytest.raises(FileNotFoundError, match='vis_data'):
        read_run(tmp_path)


def test_another_json(tmp_path):
    file = tmp_path / 'annotation.json'
    file.write_text(json.dumps({'images': []}) + '\n')
    with pytest.raises(ValueError, match='not a JSON log of mmengine'):
        read_run(file)


def run(name='a', **curves):
    return Run(name, {key: Curve(np.arange(len(values)), np.array(values)) for key, values in curves.items()})


def test_known_curves_are_plotted_in_a_fixed_order(tmp_path):
    runs = [run('a', lr=[1, 2], other=[0, 1], loss=[2, 1]), run('b', PQ=[3, 4])]
    assert plot_runs(runs, tmp_path / 'new' / 'curves.png') == ['loss', 'lr', 'PQ']
    image = cv2.imread(str(tmp_path / 'new/curves.png'))
    assert image.shape == (330, 1518, 3)


def test_runs_are_overlaid_in_colors_of_their_own(tmp_path):
    plot_runs([run('a', PQ=[0, 0, 0]), run('b', PQ=[9, 9, 9])], tmp_path / 'curves.png')
    image = cv2.imread(str(tmp_path / 'curves.png'))
    blue, orange = (180, 119, 31), (14, 127, 255)
    rows = [np.flatnonzero((image[40:] == color).all(-1).any(1)) for color in (blue, orange)]
    assert rows[1].min() < rows[0].min()  # the larger values stand above


def test_keys_are_those_asked_for(tmp_path):
    runs = [run(other=[0, 1], loss=[2, 1])]
    assert plot_runs(runs, tmp_path / 'curves.png', ['other']) == ['other']
    with pytest.raises(ValueError, match=r"\['depth'\]: choose from \['loss', 'other'\]"):
        plot_runs(runs, tmp_path / 'curves.png', ['loss', 'depth'])


def test_nothing_to_plot(tmp_path):
    with pytest.raises(ValueError, match='a curve'):
        plot_runs([run()], tmp_path / 'curves.png')


def test_smoothing_has_no_bias_and_ignores_nan():
    np.testing.assert_allclose(smooth(np.full(100, 3.0)), 3.0)
    noise = np.random.default_rng(0).normal(5, 1, 2000)
    assert smooth(noise)[200:].std() < 0.25
    values = np.full(100, 2.0)
    values[[0, 50]] = np.nan
    smoothed = smooth(values)
    assert np.isnan(smoothed[0])
    np.testing.assert_allclose(smoothed[1:], 2.0)


def test_short_curves_are_not_smoothed():
    values = np.array([3.0, 1.0, 2.0])
    np.testing.assert_allclose(smooth(values), values)
