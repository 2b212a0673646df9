"""A tiny model's config and checkpoint, as files and as what training stores."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.registry import MODELS

TINY_CONFIG = Path(__file__).parents[1] / 'data/tiny_oneformer.py'


@pytest.fixture
def config():
    return Config.fromfile(TINY_CONFIG)


@pytest.fixture
def config_file():
    return TINY_CONFIG


@pytest.fixture(scope='session')
def trained():
    """A model and its checkpoint, as training stores it."""
    config = Config.fromfile(TINY_CONFIG)
    torch.manual_seed(0)
    model = MODELS.build(dict(config.model, _scope_='mmoneformer'))  # whatever scope earlier tests left
    model.eval()
    meta = {'cfg': config.pretty_text, 'dataset_meta': dict(model.dataset_meta)}
    return model, {'state_dict': model.state_dict(), 'meta': meta}


@pytest.fixture
def checkpoint_file(trained, tmp_path):
    torch.save(trained[1], tmp_path / 'tiny.pth')
    return tmp_path / 'tiny.pth'


def picture(height, width):
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope='module')
def weights(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.save(trained[1], path)
    return path


@pytest.fixture(scope='module')
def inferencer(weights):
    return OneFormerInferencer(weights=weights, device='cpu')


@pytest.fixture
def images(tmp_path):
    """Two folders with pictures of different sizes; two have the same name."""
    files = {'a/one.png': picture(40, 60), 'a/two.png': picture(64, 48), 'b/one.jpg': picture(50, 50)}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), content)
    return tmp_path


@pytest.fixture
def a_broken_one(images):
    """A folder of three pictures, the first of them broken."""
    (images / 'a/half.png').write_bytes(b'\x89PNG\r\n\x1a\n')
    return images / 'a'
