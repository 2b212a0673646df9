"""The command line of the curves, on the logs of a real training, which TensorBoard gets, too."""

import runpy
from pathlib import Path

import cv2
import pytest

from mmoneformer.apis.train_and_test import load_config, train
from mmoneformer.datasets.shapes.folder import write_shapes

ROOT = Path(__file__).parents[2]
VIS_BACKENDS = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]


@pytest.fixture
def main():
    return runpy.run_path(str(ROOT / 'tools/plot_log.py'))['main']


@pytest.fixture
def work_dir(tmp_path):
    """Of a training with two validations."""
    pytest.importorskip('tensorboard')
    write_shapes(tmp_path / 'shapes', num_train=4, num_val=2, size=64, seed=0)
    options = {
        'visualizer.vis_backends': VIS_BACKENDS,
        'default_hooks.logger.interval': 1,
        'default_hooks.validation_pictures.count': 1,
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
def test_a_training_is_watched(main, work_dir, tmp_path, capsys):
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


def test_a_folder_that_is_none_is_an_error(main, tmp_path, capsys):
    with pytest.raises(SystemExit, match='2'):
        main([str(tmp_path)])
    assert 'give the work folder of a training' in capsys.readouterr().err
