import pytest
import torch
from torch.nn import functional as F

import mmoneformer  # noqa: F401
from mmoneformer.models.backbones.dinat import DiNAT, NeighborhoodAttention
from mmoneformer.models.ops.neighborhood_attention import attend_by_tiles
from mmoneformer.registry import MODELS

CONFIG = {
    'embed_dims': 8,
    'num_heads': [1, 2, 2, 4],
    'dilations': [[1, 2], [1], [1, 2], [1]],
    'kernel_size': 3,
    'mlp_ratio': 1.5,
}


@pytest.fixture
def backbone():
    """A small DiNAT in which every parameter matters."""
    torch.manual_seed(0)
    backbone = MODELS.build({'type': 'DiNAT', **CONFIG})
    for parameter in backbone.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return backbone.eval()


def norm(x, weights, name):
    return F.layer_norm(x, x.shape[-1:], weights[f'{name}.weight'], weights[f'{name}.bias'], eps=1e-5)


def linear(x, weights, name):
    return x @ weights[f'{name}.weight'].T + weights[f'{name}.bias']


def convolve(x, weights, name):
    """Convolution of stride 2 with the channels last."""
    x = F.conv2d(x.movedim(-1, 1), weights[f'{name}.weight'], weights.get(f'{name}.bias'), stride=2, padding=1)
    return x.movedim(1, -1)


def plain_dinat(x, backbone):
    """The network from the weights alone, but for the attention, which has tests of its own."""
    weights = backbone.state_dict()
    x = convolve(convolve(x.movedim(1, -1), weights, 'patch_embed.proj.0'), weights, 'patch_embed.proj.1')
    x = norm(x, weights, 'patch_embed.norm')
    maps = []
    for level, dilations in enumerate(CONFIG['dilations']):
        for index, dilation in enumerate(dilations):
            name = f'levels.{level}.blocks.{index}'
            attention = backbone.get_submodule(f'{name}.attn')
            assert attention.dilation == dilation
            x = x + attention(norm(x, weights, f'{name}.norm1'))
            hidden = linear(norm(x, weights, f'{name}.norm2'), weights, f'{name}.mlp.fc1')
            x = x + linear(hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5)), weights, f'{name}.mlp.fc2')
        maps.append(norm(x, weights, f'norm{level}').movedim(-1, 1))
        if level < 3:
            name = f'levels.{level}.downsample'
            x = norm(convolve(x, weights, f'{name}.reduction'), weights, f'{name}.norm')
    return maps


def test_maps_equal_the_written_out_network(backbone):
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        maps = backbone(images)
        expected = plain_dinat(images, backbone)
    assert [tuple(m.shape) for m in maps] == [(2, 8, 16, 24), (2, 16, 8, 12), (2, 32, 4, 6), (2, 64, 2, 3)]
    for actual, reference in zip(maps, expected, strict=True):
        torch.testing.assert_close(actual, reference, atol=1e-4, rtol=0)


def test_out_indices_choose_maps_and_their_norms(backbone):
    chosen = DiNAT(**CONFIG, out_indices=(1, 3)).eval()
    weights = backbone.state_dict()
    chosen.load_state_dict({name: weights[name] for name in weights if not name.startswith(('norm0', 'norm2'))})
    images = torch.randn(1, 3, 32, 64)
    for actual, expected in zip(chosen(images), backbone(images)[1::2], strict=True):
        torch.testing.assert_close(actual, expected)


def test_every_parameter_gets_a_gradient(backbone):
    torch.stack([m.square().mean() for m in backbone.train()(torch.randn(1, 3, 32, 64))]).sum().backward()
    without = [name for name, p in backbone.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without


def test_drop_path_grows_linearly_over_the_blocks():
    backbone = DiNAT(**CONFIG, drop_path_rate=0.5)
    rates = [block.drop_path.drop_prob for level in backbone.levels for block in level.blocks]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_initial_values_are_the_authors():
    torch.manual_seed(0)
    backbone = DiNAT(**{**CONFIG, 'embed_dims': 32})
    backbone.init_weights()
    block = backbone.levels[3].blocks[0]
    for layer in (block.attn.qkv, block.attn.proj, block.mlp.fc1, block.mlp.fc2):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert not layer.bias.any()
    assert block.attn.rpb.std().item() == pytest.approx(0.02, rel=0.2)


def test_levels_and_heads_of_different_number_are_refused():
    with pytest.raises(ValueError, match=r'1 levels of dilations, but num_heads \[1, 2\]'):
        DiNAT(embed_dims=8, num_heads=[1, 2], dilations=[[1]])


@pytest.mark.parametrize(('height', 'width'), [(9, 11), (5, 11), (9, 4), (2, 3)])
def test_module_pads_a_small_image_with_zeros(height, width):
    torch.manual_seed(0)
    attention = NeighborhoodAttention(8, num_heads=2, kernel_size=3, dilation=2).double()
    x = torch.randn(2, height, width, 8, dtype=torch.float64)
    padded = torch.zeros(2, max(height, 6), max(width, 6), 8, dtype=torch.float64)
    padded[:, :height, :width] = x
    query, key, value = (part.unflatten(-1, (2, 4)) for part in attention.qkv(padded).split(8, dim=-1))
    expected = attention.proj(attend_by_tiles(query, key, value, attention.rpb, dilation=2).flatten(3))[
        :, :height, :width
    ]
    torch.testing.assert_close(attention(x), expected)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match='10 channels cannot be split into 4 heads'):
        NeighborhoodAttention(10, num_heads=4, kernel_size=3, dilation=1)


def test_even_kernel_is_refused():
    with pytest.raises(ValueError, match='must be odd, got 4'):
        NeighborhoodAttention(8, num_heads=2, kernel_size=4, dilation=1)
