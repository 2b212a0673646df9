"""A tiny model's config and checkpoint, as files and as what training stores."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

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
