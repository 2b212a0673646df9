import pytest
import torch

from mmoneformer.models.backbones.plain_vit import PlainViT
from mmoneformer.models.backbones.timm_vit import TimmViT


@pytest.mark.parametrize(('frozen', 'modes'), [(False, {True}), (True, {False})])
def test_modes(frozen, modes):
    backbone = TimmViT(model='test_vit', frozen=frozen).eval().train()
    assert isinstance(backbone, PlainViT)
    assert {module.training for module in backbone.net.modules()} == modes
    assert backbone.pyramid.training


def test_vectors_are_not_decayed():
    backbone = TimmViT(model='test_vit')
    exempt = backbone.no_weight_decay()
    assert {parameter.ndim for name, parameter in backbone.named_parameters() if name in exempt} == {1}
    assert {'net.blocks.0.mlp.fc1.bias', 'pyramid.stride8.bias'} <= exempt


def test_layers_are_numbered_from_above():
    """Embeddings come before the blocks, the last norm and the pyramid after them."""
    above = TimmViT(model='test_vit').layers_above()
    assert {above[f'net.{name}'] for name in ('cls_token', 'pos_embed', 'patch_embed.proj.weight')} == {7}
    assert [above[f'net.blocks.{index}.norm1.weight'] for index in range(6)] == list(range(6, 0, -1))
    assert above['net.norm.weight'] == above['pyramid.stride8.weight'] == 0


@torch.no_grad()
def test_the_pyramid_is_that_of_the_last_map():
    backbone, images = TimmViT(model='test_vit').eval(), torch.randn(1, 3, 64, 96)
    for found, expected in zip(backbone(images), backbone.pyramid(backbone.last_map(images)), strict=True):
        assert torch.equal(found, expected)
