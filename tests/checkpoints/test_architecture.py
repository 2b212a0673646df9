import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mmoneformer.checkpoints.architecture import count_classes, read_architecture
from mmoneformer.checkpoints.official import from_official

DATA = Path(__file__).parents[1] / 'data'
SAME = ('depths', 'num_heads', 'window_size', 'kernel_size', 'mlp_ratio')
OTHER_NAMES = {
    'embed_dim': 'embed_dims',
    'dims': 'channels',
    'stem_out_channels': 'stem_channels',
    'width_per_group': 'base_channels',
}
KINDS = {'swin': 'SwinTransformer', 'dinat': 'DiNAT', 'convnext': 'ConvNeXt', 'resnet': 'ResNet'}


@pytest.fixture(params=['swin_small', 'r50_small', 'convnext_small', 'dinat_small'])
def model(request, official_weights):
    """Weights of a model of the authors', and the numbers that their code was given."""
    truth = json.loads(str(np.load(DATA / f'{request.param}_infer.npz')['config_json']))
    return from_official(official_weights(request.param)), truth


def test_backbone(model):
    weights, truth = model
    is_narrow_resnet = truth['backbone']['type'] == 'resnet'  # whose expansion no class of ours has
    found = read_architecture(weights, check_backbone=not is_narrow_resnet)['backbone']
    expected = truth['backbone']
    assert found['type'] == KINDS[expected['type']]
    renamed = {OTHER_NAMES.get(key, key): value for key, value in expected.items()}
    compared = [key for key in (*SAME, *OTHER_NAMES.values(), 'depth') if key in renamed and key in found]
    assert len(compared) > 1
    assert {key: found[key] for key in compared} == {key: renamed[key] for key in compared}


def test_head(model):
    weights, truth = model
    head = read_architecture(weights, check_backbone=False)['panoptic_head']
    assert count_classes(weights) == truth['num_classes']
    assert (head['num_queries'], head['channels']) == (truth['num_queries'], truth['hidden_dim'])
    pixels = head['pixel_decoder']
    assert pixels['num_layers'] == truth['pixel_decoder_enc_layers']
    assert pixels['feedforward_channels'] == truth['pixel_decoder_ffn_dim']
    last = pixels['in_channels'][-1]
    assert pixels['in_channels'] == [last // 8, last // 4, last // 2, last]
    ffn = dict(feedforward_channels=truth['dim_feedforward'])
    assert head['query_initializer'] == dict(num_layers=truth['class_dec_layers'], **ffn)
    assert head['masked_decoder'] == dict(num_layers=truth['num_decoder_layers'], **ffn)
    text = truth['text']
    assert head['text_mapper']['num_context'] == text['n_ctx']
    assert head['text_mapper']['encoder'] == dict(
        type='TextEncoder', width=text['width'], num_layers=text['num_layers']
    )


def test_without_text_mapper(official_weights):
    weights = from_official(official_weights('convnext_small'))
    weights = {key: tensor for key, tensor in weights.items() if 'text_mapper' not in key}
    assert read_architecture(weights)['panoptic_head']['text_mapper'] is None


def test_unknown_backbone(official_weights):
    weights = from_official(official_weights('convnext_small'))
    weights = {key: tensor for key, tensor in weights.items() if 'backbone' not in key}
    with pytest.raises(
        ValueError, match=r'not one of SwinTransformer, DiNAT, ConvNeXt, ResNet, mmdet\.ResNet: no key starts'
    ):
        read_architecture(weights)


def test_a_backbone_is_checked_only_if_its_type_is_used(official_weights):
    weights = from_official(official_weights('r50_small'))
    with pytest.raises(ValueError, match='where ResNet has') as error:
        read_architecture(weights)
    assert '\n' not in str(error.value)
    assert read_architecture(weights, check_backbone=False)['backbone']['depth'] == 50


def test_missing_tensor():
    with pytest.raises(ValueError, match=r"no tensor 'panoptic_head\.prediction\.classify\.bias'"):
        count_classes({'backbone.conv1.weight': torch.zeros(1)})
