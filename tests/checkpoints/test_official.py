from pathlib import Path

import numpy as np
import pytest
import torch

from mmoneformer.checkpoints.official import from_official, official_table, rename_official

DATA = Path(__file__).parents[1] / 'data'
NAMES = ['swin_small', 'r50_small', 'convnext_small', 'dinat_small']


def official_weights(name):
    arrays = np.load(DATA / f'{name}_weights.npz')
    prefix = 'state_dict/'
    return {key[len(prefix) :]: torch.from_numpy(arrays[key]) for key in arrays if key.startswith(prefix)}


@pytest.mark.parametrize('name', NAMES)
def test_every_key_has_its_own_place_and_returns(name):
    weights = official_weights(name)
    weights.pop('criterion.empty_weight', None)
    ours = rename_official(weights)
    assert len(ours) == len(weights)
    back = official_table(weights).inverse().rename(ours)
    assert {key.replace('in_proj.', 'in_proj_') for key in back} == set(weights)


@pytest.mark.parametrize('name', NAMES)
def test_values_stay_but_for_patch_merging_and_counters_of_batches(name):
    weights = official_weights(name)
    ours = from_official(weights)
    for key, tensor in rename_official({key: weights[key] for key in weights if 'empty_weight' not in key}).items():
        if '.downsample.' in key and 'stages' in key:
            assert not torch.equal(ours[key], tensor)
        else:
            assert ours[key] is tensor
    counters = {key for key in ours if key.endswith('num_batches_tracked')}
    assert len(counters) == sum(key.endswith('running_mean') for key in weights)
    assert len(ours) == len(weights) + len(counters) - ('criterion.empty_weight' in weights)


def test_examples():
    names = {
        'sem_seg_head.predictor.transformer_ffn_layers.3.linear2.bias': 'masked_decoder.layers.3.ffn.linear2.bias',
        'sem_seg_head.predictor.query_embed.weight': 'query_embed',
        'sem_seg_head.predictor.class_transformer.decoder.layers.1.multihead_attn.in_proj_bias': (
            'query_initializer.layers.1.cross_attn.in_proj.bias'
        ),
        'text_encoder.transformer.resblocks.5.attn.in_proj_weight': 'text_mapper.encoder.blocks.5.qkv.weight',
    }
    ours = rename_official({key: torch.zeros(1) for key in names})
    assert list(ours) == [f'panoptic_head.{name}' for name in names.values()]


def test_unknown_key():
    with pytest.raises(ValueError, match=r"unknown key 'model\.transformer_module"):
        from_official({'model.transformer_module.queries_embedder.weight': torch.zeros(1)})


def test_a_backbone_that_the_authors_code_does_not_have():
    with pytest.raises(ValueError, match=r"unknown key 'backbone\.blocks\.0\.attn\.qkv\.weight'"):
        from_official({'backbone.blocks.0.attn.qkv.weight': torch.zeros(1)})
