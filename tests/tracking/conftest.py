"""A tiny model whose predictions have segments and instances."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config

from mmoneformer.registry import MODELS

TINY_CONFIG = Path(__file__).parents[1] / 'data/tiny_oneformer.py'
SIZE = (48, 64)


@pytest.fixture(scope='package')
def model():
    torch.manual_seed(0)
    return MODELS.build(dict(Config.fromfile(TINY_CONFIG).model, _scope_='mmoneformer')).eval()


@pytest.fixture(scope='package')
def predict(model):
    """Predicts an image of noise, with queries or without."""

    def run(seed=0, *, with_queries=True):
        pixels = np.random.default_rng(seed).normal(size=(1, 3, *SIZE))
        sample = DetDataSample(metainfo=dict(img_shape=SIZE, ori_shape=SIZE))
        inputs = torch.nn.functional.pad(torch.from_numpy(pixels).float(), (0, 0, 0, 16))
        with torch.no_grad():
            return model(inputs, [sample], mode='predict', with_queries=with_queries)[0]

    return run
