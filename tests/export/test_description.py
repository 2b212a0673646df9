import hashlib

import numpy as np
import pytest
import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor

from mmoneformer.export.description import (
    check_preprocessor,
    describe,
    hash_weights,
    resize_rule,
)
from mmoneformer.version import __version__
from mmoneformer_deploy.description import Description

LOAD, PACK = dict(type='LoadImageFromFile'), dict(type='PackOneFormerInputs')


def test_description(model):
    assert describe(model) == Description(
        version=__version__,
        weights_sha256=hash_weights(model.state_dict()),
        tasks=['panoptic', 'instance', 'semantic'],
        classes=['sky', 'cat', 'road', 'car'],
        thing_ids=[1, 3],
        palette=[list(color) for color in model.dataset_meta['palette']],
        resize=dict(scale=[96, 64], keep_ratio=True),
        size_divisor=32,
        pad_value=[120.0, 110.0, 100.0],
        object_mask_thr=0.0,
        overlap_thr=0.1,
        max_per_image=8,
    )


def test_padding_is_zero_after_the_normalization(model):
    image = torch.tensor(describe(model).pad_value).view(3, 1, 1).expand(3, 32, 32)
    inputs = model.data_preprocessor({'inputs': [image.flip(0)], 'data_samples': None})['inputs']
    assert torch.equal(inputs, torch.zeros(1, 3, 32, 32))


def test_hash_of_the_weights():
    weights = {'b': torch.arange(3), 'a': torch.ones(2, 1, dtype=torch.float16)}
    content = b'a torch.float16 [2, 1]\n' + np.ones(2, np.float16).tobytes()
    content += b'b torch.int64 [3]\n' + np.arange(3).tobytes()
    assert hash_weights(weights) == hashlib.sha256(content).hexdigest()
    assert hash_weights(weights | {'b': torch.tensor([0, 1, 3])}) != hash_weights(weights)
    assert len(hash_weights({'scalar': torch.tensor(1.0)})) == 64


@pytest.mark.parametrize(
    'step',
    [
        dict(type='mmdet.Resize', scale_factor=0.5),
        dict(type='mmdet.Resize', scale=(96, 64), interpolation='nearest'),
        dict(type='mmdet.RandomFlip', prob=0.5),
        dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    ],
)
def test_pipelines_that_no_file_can_hold(step):
    with pytest.raises(ValueError, match='test_pipeline has .* which cannot be exported'):
        resize_rule([LOAD, step, PACK])


def test_resize_rules():
    assert resize_rule([LOAD, PACK]) is None
    square = resize_rule([LOAD, dict(type='mmdet.Resize', scale=512), dict(type='LoadPanopticMap'), PACK])
    assert square == dict(scale=[512, 512], keep_ratio=False)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(pad_size_divisor=32), 'does not normalize'),
        (dict(mean=[0, 0, 0], std=[1, 1, 1]), 'pads to multiples of 1, .* set model.data_preprocessor.pad_size_div'),
    ],
)
def test_preprocessors_that_no_file_can_hold(settings, message):
    with pytest.raises(ValueError, match=message):
        check_preprocessor(DetDataPreprocessor(**settings))


@pytest.mark.parametrize(
    'loader', ['LoadPanopticMap', 'LoadLabelMap', 'LoadSegments', 'mmdet.LoadAnnotations', 'mmseg.LoadAnnotations']
)
def test_annotation_does_not_change_results(loader):
    assert resize_rule([LOAD, dict(type='mmdet.Resize', scale=(96, 64)), dict(type=loader), PACK]) == {
        'scale': [96, 64],
        'keep_ratio': False,
    }
