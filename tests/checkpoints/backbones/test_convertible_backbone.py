"""A backbone of one's own becomes convertible by one entry of BACKBONES."""

import dataclasses

import pytest
import torch

from mmoneformer.checkpoints.architecture import read_architecture
from mmoneformer.checkpoints.backbones import BACKBONES, ConvertibleBackbone, ForeignKeys
from mmoneformer.checkpoints.hugging_face_config import model_json
from mmoneformer.checkpoints.infer_config import SourceInfo, infer_config
from mmoneformer.checkpoints.official import from_official

OWN = ConvertibleBackbone(
    start='rows.',
    read_arguments=lambda shapes: dict(type='Own', width=shapes['backbone.rows.0.weight'][0]),
    not_in_weights=('rate',),
    released_name=lambda _: 'own',
    from_authors=lambda weights: {key: -weight if 'rows' in key else weight for key, weight in weights.items()},
    official=ForeignKeys(start='lines.', rows=(('lines.*', 'rows.*'),)),
)


@pytest.fixture
def weights(official_weights, monkeypatch):
    """Weights of the authors' head with another backbone."""
    monkeypatch.setitem(BACKBONES, 'Own', OWN)
    head = {key: tensor for key, tensor in official_weights('convnext_small').items() if 'backbone' not in key}
    return head | {'backbone.lines.0.weight': torch.ones(3, 2)}


def test_own_backbone(weights):
    ours = from_official(weights)
    assert torch.equal(ours['backbone.rows.0.weight'], -torch.ones(3, 2))
    assert read_architecture(ours)['backbone'] == dict(type='Own', width=3)
    cfg = infer_config(ours, SourceInfo(), cfg_options={})
    assert cfg.model.backbone == dict(type='Own', width=3)  # no config has it, so nothing says its rate
    assert cfg.test_pipeline[1].scale == (2048, 1024)  # Cityscapes, by its number of classes
    with pytest.raises(ValueError, match='Hugging Face has no backbone like Own'):
        model_json(read_architecture(ours), dict(classes=()))


def test_the_last_that_was_added_is_found(weights, monkeypatch):
    monkeypatch.setitem(BACKBONES, 'Special', dataclasses.replace(OWN, read_arguments=lambda _: dict(type='Special')))
    assert read_architecture(from_official(weights))['backbone'] == dict(type='Special')
