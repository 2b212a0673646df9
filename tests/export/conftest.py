"""The small model of tests/data/exported.py, and its file."""

from pathlib import Path

import pytest

from mmoneformer.apis import init_model
from mmoneformer.export.network import ExportedNetwork, trace
from mmoneformer.models import OneFormer

DATA = Path(__file__).parents[1] / 'data'


@pytest.fixture(scope='session')
def checkpoint() -> Path:
    return DATA / 'exported.pth'


@pytest.fixture(scope='session')
def onnx_file() -> Path:
    return DATA / 'exported.onnx'


@pytest.fixture(scope='session')
def model(checkpoint) -> OneFormer:
    return init_model(checkpoint=checkpoint, device='cpu')


@pytest.fixture(scope='session')
def program(model):
    """For tests marked as slow."""
    return trace(ExportedNetwork(model))
