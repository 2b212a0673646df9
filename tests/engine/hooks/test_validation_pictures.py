from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmoneformer.engine.hooks import ValidationPicturesHook
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.visualization import OneFormerVisualizer


@pytest.fixture
def samples(tmp_path):
    """Results of three images, red ones, each half sky and half road."""
    found = []
    for number in range(3):
        path = tmp_path / f'{number}.png'
        cv2.imwrite(str(path), np.full((40, 60, 3), (0, 0, 200), np.uint8))
        sample = DetDataSample(metainfo=dict(img_id=number, img_path=str(path)))
        labels = torch.zeros(1, 40, 60, dtype=torch.int64)
        labels[:, 20:] = 1
        sample.pred_sem_seg = PixelData(sem_seg=labels)
        found.append(sample)
    return found


@pytest.fixture
def runner(tmp_path):
    backends = [dict(type='LocalVisBackend', save_dir=str(tmp_path / 'vis'))]
    visualizer = OneFormerVisualizer(vis_backends=backends, save_dir=str(tmp_path))
    visualizer.dataset_meta = resolve_metainfo(dict(classes=('sky', 'road'), thing_ids=()))
    return SimpleNamespace(iter=20, visualizer=visualizer)


def test_draws_the_first_images_of_each_validation(runner, samples, tmp_path):
    hook = ValidationPicturesHook(count=2)
    for runner.iter in (20, 40):
        hook.before_val_epoch(runner)
        for batch, sample in enumerate(samples):
            hook.after_val_iter(runner, batch, outputs=[sample])
    names = sorted(path.name for path in tmp_path.rglob('val_*.png'))
    assert names == ['val_0_20.png', 'val_0_40.png', 'val_1_20.png', 'val_1_40.png']


def test_counts_images_not_batches_and_keeps_colors(runner, samples, tmp_path):
    hook = ValidationPicturesHook(count=2)
    hook.before_val_epoch(runner)
    hook.after_val_iter(runner, 0, outputs=samples)
    files = sorted(tmp_path.rglob('val_*.png'))
    assert [file.name for file in files] == ['val_0_20.png', 'val_1_20.png']
    np.testing.assert_allclose(cv2.imread(str(files[0]))[200, 200], (0, 0, 200))  # inside of the input's panel
