from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmoneformer.engine.strategies import fully_sharded
from mmoneformer.engine.strategies.fully_sharded import find_fsdp_units, find_stages
from mmoneformer.registry import MODELS

DATA = Path(__file__).parents[2] / 'data'


@pytest.fixture
def log(monkeypatch):
    messages = []
    monkeypatch.setattr(fully_sharded, 'print_log', lambda message, logger: messages.append(message))
    return messages


def names(model, modules):
    return [name for name, module in model.named_modules() if module in modules]


def test_transformer_layers_and_the_stages_of_a_resnet(log):
    model = MODELS.build(Config.fromfile(DATA / 'tiny_oneformer.py').model)
    before = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    assert names(model, find_fsdp_units(model)) == [
        *(f'backbone.layer{stage}' for stage in (1, 2, 3, 4)),
        'panoptic_head.pixel_decoder.layers.0',
        *(f'panoptic_head.query_initializer.layers.{index}' for index in range(2)),
        *(f'panoptic_head.masked_decoder.layers.{index}' for index in range(3)),
        'panoptic_head.text_mapper.encoder.blocks.0',
    ]
    assert len(log) == 1
    assert log[0].startswith('FSDP: 11 units; gathered for the entire step: ')
    assert 'backbone.conv1.weight' in log[0]
    assert all(torch.equal(value, before[name]) for name, value in model.backbone.state_dict().items())


@pytest.mark.parametrize(
    ('config', 'blocks'),
    [
        (dict(type='SwinTransformer', depths=[1, 1, 2, 1], num_heads=[1, 1, 1, 1], embed_dims=8, window_size=3), 5),
        (dict(type='ConvNeXt', depths=[1, 1, 2, 1], channels=[8, 8, 8, 8]), 5),
        (dict(type='DiNAT', embed_dims=8, num_heads=[1] * 4, dilations=[[1]] * 4, kernel_size=3), 4),
    ],
)
def test_own_backbones_are_wrapped_by_blocks(config, blocks, log):
    model = nn.ModuleDict({'backbone': MODELS.build(config)})
    assert len(find_fsdp_units(model)) == blocks


class Calls(nn.Module):
    """A backbone with stages in a list; one of them is not called, but its layers are."""

    def __init__(self, side):
        super().__init__()
        self.side = side
        self.stem = nn.Conv2d(3, 4, 1)
        self.stages = nn.ModuleList(nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)) for _ in range(3))

    def forward(self, images):
        if images.shape[-1] > self.side:
            raise ValueError('too large\nby far')
        x = self.stages[1](self.stages[0](self.stem(images)))
        for layer in self.stages[2]:
            x = layer(x)
        return (x,)


def test_only_what_is_called_is_a_stage(log):
    backbone = Calls(side=1000)
    assert names(backbone, find_stages(backbone)) == ['stages.0', 'stages.1']
    assert log == []
    assert backbone.stages[0][1].num_batches_tracked == 0
    assert not any(module._forward_pre_hooks for module in backbone.modules())


def test_a_backbone_that_cannot_be_looked_into_is_named(log):
    assert find_stages(Calls(side=1)) == set()
    assert len(log) == 1
    assert 'Calls has no module with fsdp_unit = True' in log[0]
    assert '(ValueError: too large): its weights are gathered for the entire step' in log[0]
