from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmoneformer.engine.hooks import OneFormerVisualizationHook
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.visualization.visualizer import OneFormerVisualizer

MODEL = SimpleNamespace(
    dataset_meta=resolve_metainfo(dict(classes=('sky', 'sea'), thing_ids=(), palette=[(255, 0, 0), (0, 0, 255)])),
    test_cfg=SimpleNamespace(tasks=('semantic',)),
)


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / 'image.png'
    cv2.imwrite(str(path), np.full((40, 60, 3), 128, np.uint8))
    labels = torch.zeros(1, 40, 60, dtype=torch.long)
    labels[:, 20:] = 1
    sample = DetDataSample(metainfo=dict(img_id=7, img_path=str(path)))
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)
    return sample


@pytest.mark.parametrize('model', [MODEL, SimpleNamespace(module=MODEL)])
def test_a_test_draws_each_image_of_a_batch(sample, tmp_path, model):
    hook = OneFormerVisualizationHook(test_out_dir=str(tmp_path / 'out'))
    runner = SimpleNamespace(model=model)
    hook.before_test(runner)
    hook.after_test_iter(runner, 0, None, [sample])
    sheet = cv2.imread(str(tmp_path / 'out' / '7.png')).astype(int)
    height, width = sheet.shape[:2]
    right = sheet[:, width // 2 :]
    redder = (right[..., 2] - right[..., 0] > 50).nonzero()[0]
    bluer = (right[..., 0] - right[..., 2] > 50).nonzero()[0]
    assert len(redder) > 500
    assert len(bluer) > 500
    assert redder.mean() < bluer.mean()  # sky above sea, in the colors of the palette


def test_an_image_that_is_gone(sample, tmp_path):
    hook = OneFormerVisualizationHook(test_out_dir=str(tmp_path))
    sample.set_metainfo(dict(img_path='gone.jpg'))
    hook.before_test(None)
    with pytest.raises(OSError, match=r'gone\.jpg'):
        hook.after_test_iter(SimpleNamespace(model=MODEL), 0, None, [sample])


def test_a_test_without_a_folder_draws_nothing(sample):
    hook = OneFormerVisualizationHook()
    hook.before_test(None)
    hook.after_test_iter(None, 0, None, [sample])


@pytest.mark.parametrize(
    ('settings', 'shown'),
    [
        (dict(draw=True), dict(show=False, wait_time=0)),
        (dict(draw=True, show=True, wait_time=2, test_out_dir='out'), dict(show=True, wait_time=2)),
        (dict(draw=True, test_out_dir='out'), None),
    ],
)
def test_the_settings_of_mmdets_and_mmsegs_tools(sample, tmp_path, monkeypatch, settings, shown):
    monkeypatch.chdir(tmp_path)
    drawn = []
    visualizer = SimpleNamespace(add_datasample=lambda name, image, sample, **window: drawn.append((name, window)))
    hook = OneFormerVisualizationHook(**settings)
    hook.before_test(None)
    hook.after_test_iter(SimpleNamespace(model=MODEL, visualizer=visualizer), 0, None, [sample])
    assert drawn == ([] if shown is None else [('test_7', shown)])
    assert (tmp_path / 'out/7.png').exists() == ('test_out_dir' in settings)


def test_each_image_of_a_test_has_its_own_file(sample, tmp_path):
    """Also images of one id, as several sources may have; files that are there are kept, unless a test wrote them."""
    hook = OneFormerVisualizationHook(test_out_dir=str(tmp_path))
    for _ in range(2):
        hook.before_test(None)
        for number in ('image', 'val/7', 'val_7'):
            sample.set_metainfo(dict(img_id=number))
            hook.after_test_iter(SimpleNamespace(model=MODEL), 0, None, [sample])
    assert sorted(path.name for path in tmp_path.iterdir()) == ['image.png', 'image_2.png', 'val_7.png', 'val_7_2.png']
    assert cv2.imread(str(tmp_path / 'image.png')).shape == (40, 60, 3)


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


def test_a_validation_draws_the_first_images_of_each_validation(runner, samples, tmp_path):
    hook = OneFormerVisualizationHook(num_val_images=2)
    for runner.iter in (20, 40):
        hook.before_val_epoch(runner)
        for batch, sample in enumerate(samples):
            hook.after_val_iter(runner, batch, outputs=[sample])
    names = sorted(path.name for path in tmp_path.rglob('val_*.png'))
    assert names == ['val_0_20.png', 'val_0_40.png', 'val_1_20.png', 'val_1_40.png']


def test_counts_images_not_batches_and_keeps_colors(runner, samples, tmp_path):
    hook = OneFormerVisualizationHook(num_val_images=2)
    hook.before_val_epoch(runner)
    hook.after_val_iter(runner, 0, outputs=samples)
    files = sorted(tmp_path.rglob('val_*.png'))
    assert [file.name for file in files] == ['val_0_20.png', 'val_1_20.png']
    np.testing.assert_allclose(cv2.imread(str(files[0]))[200, 200], (0, 0, 200))  # inside of the input's panel


def test_each_image_of_a_validation_has_its_own_file(runner, samples, tmp_path):
    for sample, number in zip(samples, ('a/1', 'a_1', None), strict=True):
        sample.set_metainfo(dict(img_id=number))
    del samples[2].img_id  # its file is 2.png
    hook = OneFormerVisualizationHook()
    for runner.iter in (20, 40):
        hook.before_val_epoch(runner)
        hook.after_val_iter(runner, 0, outputs=samples)
    names = [f'val_{name}_{step}.png' for name in ('2', 'a_1', 'a_1_2') for step in (20, 40)]
    assert sorted(path.name for path in tmp_path.rglob('val_*.png')) == sorted(names)
