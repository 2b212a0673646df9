import re

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from mmoneformer.config_files import config_path
from mmoneformer.engine.optimizers import parameter_groups
from mmoneformer.engine.optimizers.parameter_groups import OneFormerOptimWrapperConstructor, decayed_parameters
from mmoneformer.registry import MODELS

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

    def no_weight_decay(self):
        return {'query_embed', 'logit_scale'}


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


class Layered(Backbone):
    def layers_above(self):
        return {'conv.weight': 2, 'conv.bias': 2, 'norm.weight': 1}


def test_each_layer_of_the_backbone_has_its_learning_rate():
    model = Model()
    model.backbone = Layered()
    wrapper = OneFormerOptimWrapperConstructor(CONFIG, dict(backbone_lr_mult=0.1, layer_decay=0.5))(model)
    groups = names_by_group(wrapper, model)
    assert {key: names for key, names in groups.items() if key[0] < 0.5} == {
        (0.0125, 0.25): ['backbone.conv.bias', 'backbone.conv.weight'],
        (0.025, 0.0): ['backbone.norm.weight'],
        (0.05, 0.0): ['backbone.norm.bias', 'backbone.relative_position_bias_table'],  # not numbered: the last layer
    }
    assert {key for key in groups if key[0] == 0.5} == {(0.5, 0.25), (0.5, 0.0)}


def test_layers_that_are_not_numbered_are_refused():
    with pytest.raises(ValueError, match=r'layer_decay is 0.5, but Backbone does not number its layers: leave it out'):
        OneFormerOptimWrapperConstructor(CONFIG, dict(layer_decay=0.5))(Model())
    with pytest.raises(ValueError, match=r'layer_decay must be in \(0, 1\], got 1.5'):
        OneFormerOptimWrapperConstructor(CONFIG, dict(layer_decay=1.5))


def test_the_config_is_left_as_it_was():
    constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
        dict(type='mmoneformer.OneFormerOptimWrapperConstructor', optim_wrapper_cfg=CONFIG, paramwise_cfg=None)
    )
    constructor(Model())
    assert dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.5, weight_decay=0.25)) == CONFIG


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match=r"\['norm_decay_mult'\]"):
        OneFormerOptimWrapperConstructor(CONFIG, dict(norm_decay_mult=0))


class Timm(nn.Module):
    """Declares parameters of its own and of its parts, as models of timm do."""

    def __init__(self):
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(2, 4))
        self.blocks = nn.ModuleList([nn.ParameterDict({'bias_table': torch.zeros(3, 2), 'scale': torch.zeros(3)})])

    def no_weight_decay(self):
        return {'pos_embed', 'blocks.0.bias_table'}


def decays(model):
    return {name: decays for name, _, decays in decayed_parameters(model)}


def test_modules_of_others_that_declare_it_as_in_timm():
    expected = {'a.pos_embed': False, 'a.blocks.0.bias_table': False, 'a.blocks.0.scale': True}
    assert decays(nn.ModuleDict({'a': Timm()})) == expected
    assert decays(Timm()) == {name.removeprefix('a.'): value for name, value in expected.items()}


def test_swin_of_mmdet():
    from mmdet.models.backbones.swin import SwinTransformer

    swin = SwinTransformer(embed_dims=8, depths=(1,), num_heads=(1,), window_size=3, out_indices=(0,), strides=(4,))
    assert not decays(swin)['stages.0.blocks.0.attn.w_msa.relative_position_bias_table']


def test_a_parameter_of_a_kind_of_its_own_is_named_in_the_log(monkeypatch):
    messages = []
    monkeypatch.setattr(parameter_groups, 'print_log', lambda message, logger: messages.append(message))
    model = Model()
    model.words.register_parameter('special', nn.Parameter(torch.zeros(1)))
    assert decays(model)['linear.weight']
    assert messages == []
    model.token = nn.Parameter(torch.zeros(4))
    assert decays(nn.ModuleDict({'part': model}))['part.token']
    assert messages == []  # its module declares others
    plain = Plain()
    assert decays(plain) == {'token': True}
    assert messages == [
        'weight decay applies to token: if it should not, define no_weight_decay() in the module',
    ]


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(4))


NAMES = re.compile(  # an independent account of what has no weight decay in the released models
    r'.*(norm|\.bn|\.lateral\.1\.|\.output\.1\.|input_projs\.\d\.1\.|downsample\.1\.|downsample_layers\.0\.1|'
    r'downsample_layers\.[123]\.0|token_embedding|position_embedding|level_embed|query_embed|context$|logit_scale|'
    r'relative_position_bias_table|rpb).*'
)


@pytest.mark.parametrize('name', ['swin-l_ade20k', 'convnext-l_ade20k', 'dinat-l_coco', 'r50_coco'])
def test_released_models(name, monkeypatch):
    messages = []
    monkeypatch.setattr(parameter_groups, 'print_log', lambda message, logger: messages.append(message))
    cfg = Config.fromfile(config_path(f'oneformer_{name}'))
    backbone = {
        'SwinTransformer': dict(embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1), window_size=3),
        'ConvNeXt': dict(depths=(1, 1, 1, 1), channels=(8, 16, 32, 64)),
        'DiNAT': dict(embed_dims=8, num_heads=(1, 1, 1, 1), dilations=((1,), (1,), (1,), (1,)), kernel_size=3),
        'ResNet': dict(base_channels=2, stem_channels=2, norm_cfg=dict(requires_grad=True)),
    }
    cfg.model.backbone.update(backbone[cfg.model.backbone.type])
    cfg.model.panoptic_head.pixel_decoder.in_channels = [8, 16, 32, 64]
    found = decays(MODELS.build(cfg.model))
    assert len(found) > 300
    assert {name for name, value in found.items() if value} == {name for name in found if not NAMES.fullmatch(name)}
    assert messages == []
