from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config

from mmoneformer.registry import MODELS
from mmoneformer.tiling.tiled_model import TiledModel

CONFIG = Path(__file__).parents[1] / 'data/tiny_oneformer.py'
PIPELINE = [dict(type='mmdet.Resize', scale=(96, 64), keep_ratio=True), dict(type='PackOneFormerInputs')]


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    return MODELS.build(dict(Config.fromfile(CONFIG).model, _scope_='mmoneformer')).eval()


def batch(*sizes):
    rng = np.random.default_rng(0)
    pixels = [torch.from_numpy(rng.integers(0, 256, (3, *size), np.uint8)) for size in sizes]
    return {'inputs': pixels, 'data_samples': [DetDataSample(metainfo={'ori_shape': size}) for size in sizes]}


def test_images_of_one_tile_are_those_of_the_model(model):
    (found,) = TiledModel(model, tile=96, pipeline=PIPELINE).test_step(batch((64, 96)))
    data = batch((64, 96))
    data['data_samples'][0].set_metainfo({'img_shape': (64, 96)})
    with torch.no_grad():
        (expected,) = model.test_step(data)
    np.testing.assert_array_equal(found.pred_sem_seg.sem_seg, expected.pred_sem_seg.sem_seg)
    np.testing.assert_array_equal(found.pred_panoptic_seg.sem_seg, expected.pred_panoptic_seg.sem_seg)
    np.testing.assert_array_equal(found.pred_instances.masks, expected.pred_instances.masks)
    assert found.task_tokens == expected.task_tokens


def test_images_of_several_tiles(model):
    samples = TiledModel(model, tile=48, overlap=8, pipeline=PIPELINE).test_step(batch((64, 96), (100, 48)))
    assert [sample.pred_sem_seg.sem_seg.shape for sample in samples] == [(1, 64, 96), (1, 100, 48)]
    assert samples[1].pred_panoptic_seg.sem_seg.shape == (1, 100, 48)
    assert samples[1].pred_instances.masks.shape[1:] == (100, 48)
