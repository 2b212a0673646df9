"""The transforms together, as configs use them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset

CONFIGS = Path(__file__).parents[3] / 'configs/_base_/datasets'
CROP = (64, 48)  # width, height
TRAINING = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadPanopticMap'},
    {'type': 'mmdet.RandomFlip', 'prob': 0.5},
    {
        'type': 'RandomResize',
        'resize_type': 'mmdet.Resize',
        'scale': (90, 60),
        'ratio_range': (0.6, 1.8),
        'keep_ratio': True,
    },
    {'type': 'mmdet.RandomCrop', 'crop_size': CROP, 'allow_negative_crop': True},
    {'type': 'mmdet.PhotoMetricDistortion'},
    {'type': 'mmdet.Pad', 'size': CROP, 'pad_val': {'img': (128, 128, 128), 'seg': 0}},
    {'type': 'SampleTask', 'probabilities': {'panoptic': 1}},
    {'type': 'PackOneFormerInputs'},
]


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmoneformer'):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> dict:
    """A data set of one picture of plain rectangles; returns arguments of the data set."""
    ids = np.full((60, 90), 70000)
    ids[5:40, 8:30] = 3
    ids[25:55, 40:85] = 512
    colors = {70000: (40, 160, 70), 3: (200, 60, 50), 512: (60, 70, 220)}
    image = np.stack(
        [np.vectorize({key: c[n] for key, c in colors.items()}.get)(ids) for n in range(3)], axis=-1
    ).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    (tmp_path / 'seg').mkdir()
    blue_green_red = np.stack([ids >> 16, ids >> 8 & 255, ids & 255], axis=-1).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'seg/a.png'), blue_green_red)
    content = {
        'categories': [{'id': 4, 'name': 'grass', 'isthing': 0}, {'id': 9, 'name': 'box', 'isthing': 1}],
        'images': [{'id': 1, 'file_name': 'a.png', 'height': 60, 'width': 90}],
        'annotations': [
            {
                'image_id': 1,
                'file_name': 'a.png',
                'segments_info': [
                    {'id': 3, 'category_id': 9},
                    {'id': 70000, 'category_id': 4},
                    {'id': 512, 'category_id': 9},
                ],
            }
        ],
    }
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    return {'ann_file': 'ann.json', 'data_root': str(tmp_path), 'data_prefix': {'img': '', 'seg': 'seg'}}


def test_image_and_targets_stay_aligned(folder):
    """Color jitter works per pixel: a target that follows its rectangle has one color, whatever came before."""
    np.random.seed(1)
    dataset = PanopticSegDataset(**folder, pipeline=TRAINING)
    counts = []
    for _ in range(12):
        packed = dataset[0]
        image, sample = packed['inputs'].permute(1, 2, 0).numpy(), packed['data_samples']
        assert image.shape == (*CROP[::-1], 3)
        masks = sample.targets.masks.dense().numpy()
        counts.append(len(masks))
        assert sample.targets.texts == ['a photo with a ' + ('grass', 'box')[label] for label in sample.targets.labels]
        for mask in masks:
            inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5)), borderValue=1).astype(bool)
            inner &= ~cv2.dilate((~masks.any(axis=0)).astype(np.uint8), np.ones((5, 5))).astype(bool)
            assert np.ptp(image[inner].astype(int), axis=0).max(initial=0) <= 1
        assert (image[~masks.any(axis=0)] == 128).all()  # no pixel is void but the padding
    assert set(counts) == {2, 3}


def tasks_of(folder: dict, seed: int) -> list[str]:
    """The tasks of the first 24 images, of two workers in turn."""
    pipeline = [*TRAINING[:2], {'type': 'SampleTask'}, TRAINING[-1]]
    loader = Runner.build_dataloader(
        {
            'batch_size': 1,
            'num_workers': 2,
            'sampler': {'type': 'mmengine.InfiniteSampler'},
            'dataset': {'type': 'PanopticSegDataset', **folder, 'pipeline': pipeline},
        },
        seed=seed,
    )
    return [batch['data_samples'][0].targets.task for batch, _ in zip(loader, range(24), strict=False)]


def test_workers_draw_different_tasks_and_repeat_under_one_seed(folder):
    tasks = tasks_of(folder, seed=3)
    assert tasks[0::2] != tasks[1::2]
    assert tasks_of(folder, seed=3) == tasks
    assert tasks_of(folder, seed=5) != tasks


def test_evaluation_sees_the_original_size(folder):
    pipeline = [
        TRAINING[0],
        {'type': 'mmdet.Resize', 'scale': (45, 30), 'keep_ratio': True},
        TRAINING[1],
        TRAINING[-1],
    ]
    packed = PanopticSegDataset(**folder, pipeline=pipeline, test_mode=True)[0]
    assert packed['inputs'].shape == (3, 30, 45)
    assert packed['data_samples'].ori_shape == packed['data_samples'].gt_sem_seg.shape == (60, 90)
    assert packed['data_samples'].gt_sem_seg.data[0, 30, [10, 35, 50]].tolist() == [1, 0, 1]


@pytest.mark.parametrize('name', ['shapes', 'ade20k', 'coco'])
def test_base_configs_train_and_take_arrays(folder, name):
    config = Config.fromfile(CONFIGS / f'{name}.py')
    packed = PanopticSegDataset(**folder, pipeline=config.train_pipeline)[0]
    assert packed['inputs'].shape[2] == {'shapes': 90, 'ade20k': 640, 'coco': 1024}[name]  # shapes are not enlarged
    assert packed['inputs'].shape[1:] == packed['data_samples'].targets.masks.id_map.shape

    config.test_pipeline[0].type = 'LoadImageFromNDArray'  # so does inference_model of mmseg.apis
    packed = Compose(config.test_pipeline)({'img': np.zeros((60, 90, 3), np.uint8)})
    assert packed['data_samples'].ori_shape == (60, 90)
    assert min(packed['inputs'].shape[1:]) == {'shapes': 107, 'ade20k': 640, 'coco': 800}[name]
