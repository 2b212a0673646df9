import pytest
import torch

from mmoneformer.checkpoints.hugging_face_keys import from_hugging_face, to_hugging_face
from mmoneformer.checkpoints.official import from_official

ENCODER = 'model.pixel_level_module.encoder'


@pytest.mark.parametrize('name', ['swin_small', 'r50_small', 'convnext_small', 'dinat_small'])
def test_official_ours_theirs_ours_is_the_identity(name, official_weights):
    ours = from_official(official_weights(name))
    back = from_hugging_face(to_hugging_face(ours))
    constants = {key for key in ours if key.endswith('relative_position_index')}
    assert back.keys() == ours.keys() - constants
    assert all(torch.equal(back[key], ours[key]) for key in back)


def test_names():
    names = {
        'model.pixel_level_module.decoder.encoder.layers.3.final_layer_norm.bias': 'pixel_decoder.layers.3.norm2.bias',
        'model.transformer_module.decoder.mask_embed.layers.2.0.weight': 'prediction.embed_masks.layers.2.weight',
        'model.transformer_module.decoder.layers.8.cross_attn.multihead_attn.in_proj_bias': (
            'masked_decoder.layers.8.cross_attn.in_proj.bias'
        ),
        'model.transformer_module.decoder.query_transformer.decoder.layers.1.linear2.weight': (
            'query_initializer.layers.1.ffn.linear2.weight'
        ),
        'model.text_mapper.text_encoder.transformer.layers.5.mlp.fc2.bias': 'text_mapper.encoder.blocks.5.fc2.bias',
    }
    found = from_hugging_face({key: torch.zeros(1) for key in names})
    assert list(found) == [f'panoptic_head.{name}' for name in names.values()]


def test_three_layers_become_one():
    prefix = 'model.transformer_module.decoder.layers.0.self_attn.self_attn'
    theirs = {
        f'{prefix}.{part}_proj.bias': torch.full((2,), value) for part, value in zip('vkq', (3, 2, 1), strict=True)
    }
    (joined,) = from_hugging_face(theirs).items()
    assert joined[0] == 'panoptic_head.masked_decoder.layers.0.self_attn.in_proj.bias'
    assert joined[1].tolist() == [1, 1, 2, 2, 3, 3]
    back = to_hugging_face(dict([joined]))
    assert {key: tensor.tolist() for key, tensor in back.items()} == {
        key: tensor.tolist() for key, tensor in theirs.items()
    }


def test_a_part_is_missing():
    key = f'{ENCODER}.encoder.levels.0.layers.1.attention.self.query.weight'
    with pytest.raises(ValueError, match=r'qkv\.query\.weight is in the checkpoint without .*qkv\.key\.weight'):
        from_hugging_face({key: torch.zeros(2, 2)})


def test_what_follows_from_the_config_is_dropped():
    keys = ['criterion.empty_weight', f'{ENCODER}.swin.layernorm.bias']
    keys.append(f'{ENCODER}.encoder.layers.0.blocks.0.attention.self.relative_position_index')
    assert from_hugging_face({key: torch.zeros(1) for key in keys}) == {}


@pytest.mark.parametrize('key', ['model.decoder.weight', f'{ENCODER}.encoder.layers.0.blocks.0.gamma'])
def test_unknown_key(key):
    with pytest.raises(ValueError, match=f'unknown key {key!r}'):
        from_hugging_face({key: torch.zeros(1)})
