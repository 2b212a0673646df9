"""A backbone of one's own: one file and one config (``own/``), one more file to convert its checkpoints."""

from importlib import import_module

import numpy as np
import pytest
import torch

from mmoneformer.apis import OneFormerInferencer, init_model
from mmoneformer.apis.train_and_test import train
from mmoneformer.checkpoints.backbones import BACKBONES
from mmoneformer.checkpoints.conversion import convert
from mmoneformer.checkpoints.official import official_table
from mmoneformer.registry import MODELS

CONFIG = 'tests/extending/own/configs/oneformer_conv-pyramid_shapes.py'


def test_trains_and_predicts(load, tmp_path):
    runner = train(load(CONFIG))
    scalars = runner.message_hub.log_scalars
    assert type(runner.model.backbone).__name__ == 'ConvPyramid'
    moments = runner.optim_wrapper.optimizer.state  # of the parameters that had a gradient
    assert all(moments[parameter]['exp_avg'].any() for parameter in runner.model.backbone.parameters())
    assert np.isfinite(scalars['train/loss'].current())
    assert {'val/PQ', 'val/AP', 'val/mIoU'} <= scalars.keys()
    inferencer = OneFormerInferencer(weights=str(tmp_path / 'work/iter_2.pth'), device='cpu')
    result = inferencer(np.zeros((48, 64, 3), np.uint8))['predictions'][0]
    assert result['panoptic']['id_map'].shape == (48, 64)


@pytest.fixture
def model(load):
    """A model with the backbone and the classes of Cityscapes; its checkpoints can be converted."""
    cfg = load(CONFIG)
    import_module('conv_pyramid_checkpoints')
    yield MODELS.build({**cfg.model, 'metainfo': 'cityscapes'})
    del BACKBONES['ConvPyramid']


def test_checkpoints_of_the_authors_code_are_converted(model, tmp_path):
    table = official_table(['backbone.patchify.weight'])
    theirs = {
        key.replace('in_proj.', 'in_proj_'): tensor
        for key, tensor in table.inverse().rename(model.state_dict()).items()
    }
    assert {'backbone.patchify.bias', 'backbone.blocks.2.weight'} <= theirs.keys()
    torch.save({'model': theirs}, tmp_path / 'theirs.pth')
    converted = init_model(checkpoint=convert(tmp_path / 'theirs.pth', tmp_path / 'ours.pth'))
    expected = model.state_dict()
    assert converted.cfg.model.backbone == dict(type='ConvPyramid', channels=[8, 16, 24, 32])
    assert converted.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in converted.state_dict().items())
