import pytest
import torch
from torch import nn

from mmoneformer.models import backbone_maps
from mmoneformer.models.backbone_maps import with_channels
from mmoneformer.registry import MODELS

RESNET = dict(type='mmdet.ResNet', depth=18, base_channels=8, stem_channels=8)
OTHERS = {
    'dilated': (
        dict(type='mmseg.ResNetV1c', depth=18, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), base_channels=8),
        [4, 8, 8, 8],
    ),
    'ViT': (
        dict(type='mmseg.VisionTransformer', img_size=(64, 64), embed_dims=24, num_layers=4, num_heads=3)
        | dict(out_indices=(0, 1, 2, 3)),
        [16] * 4,
    ),
    'MobileNetV3': (dict(type='mmseg.MobileNetV3', arch='small', out_indices=(0, 1, 3, 11)), None),
    'three maps': (RESNET | dict(out_indices=(0, 1, 2)), [4, 8, 16]),
}


class OfOneSize(nn.Module):
    """Takes images of one size, and changes in training."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images):
        assert images.shape[-1] == 224, 'images are 224 pixels wide'
        noisy = self.norm(images) + torch.rand(())
        return [noisy[..., ::stride, ::stride] for stride in (4, 8, 16, 32)]


def channels_of(backbone, **decoder):
    return with_channels({'pixel_decoder': decoder}, backbone)['pixel_decoder']['in_channels']


@pytest.mark.parametrize(
    'config',
    [RESNET, dict(type='SwinTransformer', embed_dims=8, depths=(2, 1, 1, 1), num_heads=(1, 1, 2, 2), window_size=3)],
)
def test_channels(config):
    assert channels_of(MODELS.build(config)) == [8, 16, 32, 64]


@pytest.mark.parametrize(
    'config',
    [
        dict(type='mmdet.PyramidVisionTransformerV2', embed_dims=8, num_layers=[1] * 4),
        dict(type='mmseg.MixVisionTransformer', embed_dims=8, num_layers=[1] * 4, num_heads=[1] * 4),
        dict(type='mmseg.MSCAN', embed_dims=[8, 16, 24, 32], depths=[1] * 4),
        dict(type='mmseg.SwinTransformer', embed_dims=8, depths=(1,) * 4, num_heads=(1,) * 4, window_size=2),
    ],
    ids=lambda config: config['type'],
)
def test_backbones_of_mmdet_and_mmseg(config):
    backbone = MODELS.build(config)
    maps = backbone(torch.zeros(1, 3, 64, 96))
    assert channels_of(backbone) == [output.shape[1] for output in maps]


def test_images_of_one_size_are_named_in_the_log(monkeypatch):
    messages = []
    monkeypatch.setattr(backbone_maps, 'print_log', lambda message, **_: messages.append(message))
    assert channels_of(OfOneSize()) == [3] * 4
    assert channels_of(MODELS.build(RESNET)) == [8, 16, 32, 64]
    assert messages == [
        'OfOneSize runs on an image of 224 x 224 pixels, and not on one of 64 x 64: if it takes images of one size '
        'only, training with others will fail'
    ]


def test_the_backbone_stays_as_it_is():
    backbone = nn.Sequential(OfOneSize()).append(nn.Identity().eval())
    state, random = {name: value.clone() for name, value in backbone.state_dict().items()}, torch.get_rng_state()
    assert channels_of(backbone) == [3] * 4
    assert all(torch.equal(value, state[name]) for name, value in backbone.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in backbone] == [True, False]


@pytest.mark.parametrize(('config', 'strides'), OTHERS.values(), ids=OTHERS)
def test_other_strides_are_named(config, strides):
    with pytest.raises(ValueError, match=r'maps of strides \[.*\], not of \[4, 8, 16, 32\]') as refusal:
        channels_of(MODELS.build(config))
    assert strides is None or f'{config["type"][6:]} gives {len(strides)} maps of strides {strides}' in str(refusal)


@pytest.mark.parametrize(
    ('output', 'described'),
    [
        (torch.zeros(1, 5, 4, 4), r'1 maps of strides \[16\]'),
        ({'maps': 1}, r"gives \['dict'\]"),
        (
            [torch.zeros(1, 32, 32, 5)] * 4,
            r'gives \[\[1, 32, 32, 5\], .* for an image of 64 x 64 pixels',
        ),  # timm's Swin
        ([torch.zeros(1, 65, 5)] * 4, r'gives \[\[1, 65, 5\], '),
    ],
)
def test_other_outputs_are_named(output, described):
    backbone = nn.Identity()
    backbone.forward = lambda images: output
    with pytest.raises(ValueError, match=f'the backbone Identity .*{described}'):
        channels_of(backbone)


def test_nothing_is_known_of_a_backbone_that_does_not_run():
    assert channels_of(nn.Linear(5, 5), in_channels=[1, 2, 3, 4]) == [1, 2, 3, 4]
    with pytest.raises(ValueError, match='set panoptic_head.pixel_decoder.in_channels: Linear does not run'):
        channels_of(nn.Linear(5, 5))


def test_channels_reach_the_pixel_decoder(build_model):
    config = dict(type='MSDeformAttnPixelDecoder', num_layers=1, feedforward_channels=16)
    head = dict(type='OneFormerHead', num_queries=12, channels=32, pixel_decoder=config)
    decoder = build_model(panoptic_head=head).panoptic_head.pixel_decoder
    assert [projection[0].in_channels for projection in decoder.input_projs] == [64, 32, 16]
    assert 'in_channels' not in config


def test_wrong_channels_are_named(build_model):
    decoder = dict(type='MSDeformAttnPixelDecoder', in_channels=(256, 512, 1024, 2048))
    with pytest.raises(ValueError, match=r'in_channels is \[256, .*\], but the maps .* have \[8, 16, 32, 64\]'):
        build_model(panoptic_head=dict(type='OneFormerHead', num_queries=4, pixel_decoder=decoder))
