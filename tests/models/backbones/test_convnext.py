import pytest
import torch
from torch.nn import functional as F

import mmoneformer  # noqa: F401
from mmoneformer.models.backbones.convnext import ConvNeXt
from mmoneformer.registry import MODELS


@pytest.fixture
def backbone():
    """A small ConvNeXt in which every parameter matters."""
    torch.manual_seed(0)
    backbone = MODELS.build({'type': 'ConvNeXt', 'depths': [1, 2, 1, 1], 'channels': [4, 8, 12, 16]})
    for parameter in backbone.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return backbone.eval()


def channel_norm(x, weights, name):
    """Layer norm over dimension 1, written out."""
    centerd = x - x.mean(dim=1, keepdim=True)
    normed = centerd / (centerd.square().mean(dim=1, keepdim=True) + 1e-6).sqrt()
    return normed * weights[f'{name}.weight'][:, None, None] + weights[f'{name}.bias'][:, None, None]


def plain_block(x, weights, name):
    """A block with 1x1 convolutions in place of the linear layers."""
    kernel = weights[f'{name}.dwconv.weight']
    hidden = F.conv2d(x, kernel, weights[f'{name}.dwconv.bias'], padding=3, groups=len(kernel))
    hidden = channel_norm(hidden, weights, f'{name}.norm')
    hidden = F.conv2d(hidden, weights[f'{name}.pwconv1.weight'][..., None, None], weights[f'{name}.pwconv1.bias'])
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
    hidden = F.conv2d(hidden, weights[f'{name}.pwconv2.weight'][..., None, None], weights[f'{name}.pwconv2.bias'])
    return x + weights[f'{name}.gamma'][:, None, None] * hidden


def plain_convnext(x, weights, depths):
    """Section 2 of the paper, from the weights alone."""

    def downsample(x, convolution, stride):
        return F.conv2d(x, weights[f'{convolution}.weight'], weights[f'{convolution}.bias'], stride=stride)

    maps = []
    for stage, depth in enumerate(depths):
        name = f'downsample_layers.{stage}'
        if stage == 0:
            x = channel_norm(downsample(x, f'{name}.0', 4), weights, f'{name}.1')
        else:
            x = downsample(channel_norm(x, weights, f'{name}.0'), f'{name}.1', 2)
        for block in range(depth):
            x = plain_block(x, weights, f'stages.{stage}.{block}')
        maps.append(channel_norm(x, weights, f'norm{stage}'))
    return maps


def test_maps_equal_the_written_out_network(backbone):
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        maps = backbone(images)
    assert [tuple(m.shape) for m in maps] == [(2, 4, 16, 24), (2, 8, 8, 12), (2, 12, 4, 6), (2, 16, 2, 3)]
    for actual, expected in zip(maps, plain_convnext(images, backbone.state_dict(), [1, 2, 1, 1]), strict=True):
        torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)


def test_out_indices_choose_maps_and_their_norms(backbone):
    chosen = ConvNeXt(depths=[1, 2, 1, 1], channels=[4, 8, 12, 16], out_indices=(1, 3)).eval()
    weights = backbone.state_dict()
    chosen.load_state_dict({name: weights[name] for name in weights if not name.startswith(('norm0', 'norm2'))})
    images = torch.randn(1, 3, 32, 64)
    for actual, expected in zip(chosen(images), backbone(images)[1::2], strict=True):
        torch.testing.assert_close(actual, expected)


def test_drop_path_grows_linearly_over_the_blocks():
    backbone = ConvNeXt(depths=[1, 2, 1, 1], channels=[4, 8, 12, 16], drop_path_rate=0.4)
    rates = [block.drop_path.drop_prob for stage in backbone.stages for block in stage]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_initial_values_are_the_authors():
    torch.manual_seed(0)
    backbone = ConvNeXt(depths=[1, 1, 1, 1], channels=[32, 64, 96, 128])
    backbone.init_weights()
    block = backbone.stages[3][0]
    for layer in (block.dwconv, block.pwconv1, block.pwconv2, backbone.downsample_layers[1][1]):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert not layer.bias.any()
    assert (block.gamma == 1).all()


def test_depths_and_channels_of_different_number_are_refused():
    with pytest.raises(ValueError, match=r'depths \[1, 1\] and channels \[4\]'):
        ConvNeXt(depths=[1, 1], channels=[4])
