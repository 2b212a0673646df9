import pytest
import torch
from mmdet.models.layers import MSDeformAttnPixelDecoder as MMDetPixelDecoder
from mmengine.config import ConfigDict

from mmoneformer.checkpoints.state_dict import KeyTable
from mmoneformer.models.pixel_decoder import MSDeformAttnPixelDecoder

IN_CHANNELS = (6, 8, 10, 12)
SIZES = [(13, 17), (7, 9), (4, 5), (2, 3)]  # odd, so that no level is twice the next
MMDET_NAMES = KeyTable(
    [
        *((f'input_projs.*.{index}', f'input_convs.*.{name}') for index, name in enumerate(('conv', 'gn'))),
        *((f'lateral.{index}', f'lateral_convs.0.{name}') for index, name in enumerate(('conv', 'gn'))),
        *((f'output.{index}', f'output_convs.0.{name}') for index, name in enumerate(('conv', 'gn'))),
        ('mask_features', 'mask_feature'),
        ('level_embed', 'level_encoding.weight'),
        ('layers.*.self_attn', 'encoder.layers.*.self_attn'),
        ('layers.*.norm1', 'encoder.layers.*.norms.0'),
        ('layers.*.norm2', 'encoder.layers.*.norms.1'),
        ('layers.*.ffn.linear1', 'encoder.layers.*.ffn.layers.0.0'),
        ('layers.*.ffn.linear2', 'encoder.layers.*.ffn.layers.1'),
    ]
)


@pytest.fixture
def decoder():
    """Weights that all matter: the initial ones have zeros, and norms that do nothing."""
    decoder = MSDeformAttnPixelDecoder(
        in_channels=IN_CHANNELS, channels=32, num_layers=2, feedforward_channels=24, dropout=0.0
    )
    for parameter in decoder.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return decoder


@pytest.fixture
def features():
    return [torch.randn(2, width, *size) for width, size in zip(IN_CHANNELS, SIZES, strict=True)]


def mmdet_decoder():
    layer = dict(
        self_attn_cfg=dict(embed_dims=32, num_heads=8, num_levels=3, num_points=4, dropout=0.0, batch_first=True),
        ffn_cfg=dict(embed_dims=32, feedforward_channels=24, num_fcs=2, ffn_drop=0.0),
    )
    return MMDetPixelDecoder(
        in_channels=IN_CHANNELS,
        feat_channels=32,
        out_channels=32,
        encoder=ConfigDict(num_layers=2, layer_cfg=layer),
        positional_encoding=dict(num_feats=16, normalize=True),
    )


@torch.no_grad()
def test_equals_that_of_mmdet(decoder, features):
    theirs = mmdet_decoder()
    theirs.load_state_dict(MMDET_NAMES.rename(decoder.state_dict()))
    mask_features, levels = theirs(features)
    ours = decoder(features)
    torch.testing.assert_close(ours.mask_features, mask_features, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.levels, levels, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_sizes_are_those_of_the_backbone(decoder, features):
    pixels = decoder(features)
    assert pixels.mask_features.shape == (2, 32, *SIZES[0])
    assert [level.shape for level in pixels.levels] == [(2, 32, *size) for size in reversed(SIZES[1:])]


@torch.no_grad()
def test_channels_last_maps_are_decoded_as_others_are(decoder, features):
    """Convolutional backbones give them; the decoder's convolutions and group norms are faster on the others."""
    expected = decoder(features)
    found = decoder([feature.contiguous(memory_format=torch.channels_last) for feature in features])
    assert found.mask_features.is_contiguous()
    torch.testing.assert_close(found, expected)


def test_float32_under_autocast(decoder, features):
    """Of maps in bfloat16, as the backbone gives them there: no less exact than of the same maps in float32."""
    rounded = [feature.bfloat16() for feature in features]
    expected = decoder([feature.float() for feature in rounded])
    with torch.autocast('cpu', torch.bfloat16):
        pixels = decoder(rounded)
    for ours, exact in zip((pixels.mask_features, *pixels.levels), (expected[0], *expected[1]), strict=True):
        assert ours.dtype == torch.float32
        assert torch.equal(ours, exact)


def test_dropout_acts_in_training_only(features):
    decoder = MSDeformAttnPixelDecoder(in_channels=IN_CHANNELS, channels=32, num_layers=1)
    assert not torch.equal(decoder(features).mask_features, decoder(features).mask_features)
    decoder.eval()
    assert torch.equal(decoder(features).mask_features, decoder(features).mask_features)


def test_initial_weights():
    decoder = MSDeformAttnPixelDecoder(in_channels=(32, 64, 64, 64), channels=64, num_layers=0)
    uniform = {  # largest value: Xavier's, or that of c2_xavier
        decoder.input_projs[0][0]: (6 / (64 + 64)) ** 0.5,
        decoder.lateral[0]: (3 / 32) ** 0.5,
        decoder.output[0]: (3 / (64 * 9)) ** 0.5,
        decoder.mask_features: (3 / 64) ** 0.5,
    }
    for conv, bound in uniform.items():
        assert 0.95 * bound < conv.weight.abs().max() <= bound
        assert conv.bias is None or not conv.bias.any()
    assert decoder.level_embed.std().item() == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ('in_channels', 'channels', 'message'),
    [((8, 16, 32), 32, r'strides 4, 8, 16 and 32, got \[8, 16, 32\]'), (IN_CHANNELS, 40, 'multiple of 32 .* got 40')],
)
def test_widths_that_do_not_fit(in_channels, channels, message):
    with pytest.raises(ValueError, match=message):
        MSDeformAttnPixelDecoder(in_channels=in_channels, channels=channels)
