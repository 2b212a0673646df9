"""A small model, which is not changed."""

from pathlib import Path

import pytest

from mmoneformer.apis import init_model
from mmoneformer.fingerprint.model_record import ModelRecord, record_model
from mmoneformer.models import OneFormer

DATA = Path(__file__).parents[1] / 'data'


@pytest.fixture(scope='session')
def model() -> OneFormer:
    return init_model(checkpoint=DATA / 'exported.pth', device='cpu')


@pytest.fixture(scope='session')
def record(model) -> ModelRecord:
    return record_model(model, 'f' * 64)
