import pytest
import torch

import mmoneformer  # noqa: F401
from mmoneformer.models.backbones.swin import SwinTransformer
from mmoneformer.registry import MODELS

SETTINGS = dict(embed_dims=8, depths=(2, 1, 3, 2), num_heads=(1, 2, 4, 4), window_size=3)


@pytest.fixture
def theirs():
    """mmdet's Swin, with weights that all matter."""
    torch.manual_seed(0)
    backbone = MODELS.build(dict(type='mmdet.SwinTransformer', **SETTINGS, drop_path_rate=0.0))
    for parameter in backbone.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return backbone


@pytest.fixture
def ours(theirs):
    backbone = SwinTransformer(**SETTINGS)
    backbone.load_state_dict(theirs.state_dict())
    return backbone


@torch.no_grad()
@pytest.mark.parametrize('size', [(96, 96), (64, 160), (38, 77)])
def test_maps_equal_those_of_mmdet(ours, theirs, size):
    """Sides that windows fill, that they overlap, and that are no multiple of 32."""
    images = torch.randn(2, 3, *size)
    for found, expected in zip(ours(images), theirs(images), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_gradients_equal_those_of_mmdet(ours, theirs):
    images = torch.randn(2, 3, 64, 96)
    for backbone in (ours, theirs):
        sum(maps.square().mean() for maps in backbone(images)).backward()
    expected = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name].grad, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_bfloat16_is_near_float32(ours):
    images = torch.randn(1, 3, 64, 96)
    exact = ours(images)
    with torch.autocast('cpu', torch.bfloat16):
        rounded = ours(images)
    for found, expected in zip(rounded, exact, strict=True):
        assert (found - expected).square().mean() < 1e-3 * expected.square().mean()


def authors_file(theirs, path):
    """What Swin's authors publish of the same weights: other names, neighbors by column, masks, a classifier."""
    weights = {
        'norm.weight': torch.ones(64),
        'head.weight': torch.ones(5, 64),
        'layers.0.blocks.1.attn_mask': torch.ones(1),
    }
    for key, value in theirs.state_dict().items():
        if key.startswith('norm'):
            continue
        if 'downsample' in key:
            value = value.unflatten(-1, (-1, 2, 2)).transpose(-1, -2).movedim(-3, -1).flatten(-3)
        for ours_name, their_name in (
            ('stages.', 'layers.'),
            ('attn.w_msa.', 'attn.'),
            ('ffn.layers.0.0.', 'mlp.fc1.'),
            ('ffn.layers.1.', 'mlp.fc2.'),
            ('projection', 'proj'),
        ):
            key = key.replace(ours_name, their_name)
        weights[key] = value
    torch.save({'model': weights}, path)


def test_file_of_the_authors(theirs, tmp_path):
    authors_file(theirs, tmp_path / 'swin.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'swin.pth'))
    backbone = SwinTransformer(**SETTINGS, convert_weights=True, init_cfg=init_cfg)
    backbone.init_weights()
    expected = theirs.state_dict()
    for key, value in backbone.state_dict().items():
        if not key.startswith('norm'):
            assert torch.equal(value, expected[key]), key
    with pytest.raises(ValueError, match='does not hold the weights of this SwinTransformer'):
        SwinTransformer(**SETTINGS, init_cfg=init_cfg).init_weights()


@pytest.mark.slow
@torch.no_grad()
def test_is_compiled_for_varying_sizes(ours):
    """Also for sizes that are no multiple of the windows."""
    compiled = torch.compile(ours, dynamic=True)
    for size in ((64, 96), (38, 77)):
        images = torch.randn(1, 3, *size)
        for found, expected in zip(compiled(images), ours(images), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('frozen_stages', [-1, 0, 2])
def test_frozen_stages_are_those_of_mmdet(frozen_stages):
    settings = SETTINGS | dict(frozen_stages=frozen_stages)
    theirs = MODELS.build(dict(type='mmdet.SwinTransformer', **settings))
    theirs.train()
    ours = SwinTransformer(**settings).train()
    expected = dict(theirs.named_parameters())
    assert all(value.requires_grad == expected[name].requires_grad for name, value in ours.named_parameters())
    modes = dict(theirs.named_modules())
    assert all(module.training == modes[name].training for name, module in ours.named_modules() if name in modes)


def test_drop_path_grows_linearly_over_the_blocks():
    backbone = SwinTransformer(**SETTINGS, drop_path_rate=0.7)
    rates = [block.drop_path.drop_prob for stage in backbone.stages for block in stage.blocks]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])


def test_three_stages_are_refused():
    with pytest.raises(ValueError, match=r'four stages, got depths \[1, 1, 1\]'):
        SwinTransformer(embed_dims=8, depths=[1, 1, 1], num_heads=[1, 1, 1, 1], window_size=3)
