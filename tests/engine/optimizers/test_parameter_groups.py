import pytest
import torch
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from mmoneformer.engine.optimizers.parameter_groups import OneFormerOptimWrapperConstructor, decayed_parameters

CONFIG = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.5, weight_decay=0.25))


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(9, 2))
        self.frozen = nn.Parameter(torch.zeros(1), requires_grad=False)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.linear = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)
        self.words = nn.Embedding(5, 4)
        self.query_embed = nn.Parameter(torch.zeros(2, 4))
        self.logit_scale = nn.Parameter(torch.zeros(()))


def names_by_group(wrapper, model):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        (group['lr'], group['weight_decay']): sorted(names[id(parameter)] for parameter in group['params'])
        for group in wrapper.optimizer.param_groups
    }


def test_groups():
    model = Model()
    wrapper = OneFormerOptimWrapperConstructor(CONFIG, dict(backbone_lr_mult=0.1))(model)
    assert names_by_group(wrapper, model) == {
        (0.05, 0.25): ['backbone.conv.bias', 'backbone.conv.weight'],
        (0.05, 0.0): ['backbone.norm.bias', 'backbone.norm.weight', 'backbone.relative_position_bias_table'],
        (0.5, 0.25): ['linear.bias', 'linear.weight'],
        (0.5, 0.0): ['logit_scale', 'norm.bias', 'norm.weight', 'query_embed', 'words.weight'],
    }


def test_without_settings_the_backbone_learns_like_the_rest():
    model = Model()
    wrapper = OneFormerOptimWrapperConstructor(CONFIG)(model)
    assert {group['lr'] for group in wrapper.optimizer.param_groups} == {0.5}


def test_the_config_is_left_as_it_was():
    constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
        dict(type='mmoneformer.OneFormerOptimWrapperConstructor', optim_wrapper_cfg=CONFIG, paramwise_cfg=None)
    )
    constructor(Model())
    assert dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.5, weight_decay=0.25)) == CONFIG


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match=r"\['norm_decay_mult'\]"):
        OneFormerOptimWrapperConstructor(CONFIG, dict(norm_decay_mult=0))


@pytest.mark.parametrize('backbone', ['SwinTransformer', 'ConvNeXt', 'DiNAT'])
def test_parameters_of_the_backbones_that_do_not_decay(backbone):
    """By name: norms, and the tables of relative positions."""
    from mmoneformer.registry import MODELS

    options = {
        'SwinTransformer': dict(embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1), window_size=3),
        'ConvNeXt': dict(depths=(1, 1, 1, 1), channels=(8, 8, 8, 8)),
        'DiNAT': dict(embed_dims=8, num_heads=(1, 1, 1, 1), dilations=((1,), (1,), (1,), (1,)), kernel_size=3),
    }
    model = MODELS.build(dict(type=backbone, **options[backbone]))
    decays = {name: decays for name, _, decays in decayed_parameters(model)}
    for name in decays:
        expected = not ('norm' in name or name.endswith(('relative_position_bias_table', 'rpb')))
        if 'downsample' not in name and 'gamma' not in name and 'projection' not in name and 'stem' not in name:
            assert decays[name] == expected, name
