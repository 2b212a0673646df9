import pytest
from torch import nn

from mmoneformer.models import normalization
from mmoneformer.models.normalization import Normalization, with_normalization

PREPROCESSOR = dict(type='mmdet.DetDataPreprocessor', bgr_to_rgb=True)
GRAY, ONE = [127.5] * 3, [1.0] * 3


@pytest.fixture
def backbone():
    network = nn.Identity()
    network.normalization = Normalization(GRAY, ONE)
    return network


@pytest.fixture
def messages(monkeypatch):
    found = []
    monkeypatch.setattr(normalization, 'print_log', lambda message, **_: found.append(message))
    return found


@pytest.mark.parametrize('stated', [{}, dict(mean=None, std=None)])
def test_it_follows_from_the_backbone(backbone, messages, stated):
    assert with_normalization(PREPROCESSOR | stated, backbone) == PREPROCESSOR | dict(mean=GRAY, std=ONE)
    assert messages == []


def test_that_of_the_config_is_kept_and_named_if_it_differs(backbone, messages):
    config = PREPROCESSOR | dict(mean=[127.504, 127.5, 127.5], std=[2, 1, 1])
    assert with_normalization(config, backbone) == config
    assert messages == [
        'data_preprocessor.std is [2, 1, 1], but Identity was trained with [1.0, 1.0, 1.0]: leave it out to take that'
    ]


def test_backbones_that_know_none(backbone):
    assert with_normalization(None, backbone) is None
    assert with_normalization(PREPROCESSOR, nn.Identity()) is PREPROCESSOR
