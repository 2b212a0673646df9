from urllib.error import URLError

import pytest
import torch
from mmengine.runner import CheckpointLoader

import mmoneformer  # noqa: F401
from mmoneformer.models.backbones.convnext import ConvNeXt
from mmoneformer.models.backbones.dinat import DiNAT
from mmoneformer.models.backbones.pretrained import named_weights

CONVNEXT = {'depths': [1, 1], 'channels': [4, 8], 'out_indices': (0, 1)}
DINAT = {'embed_dims': 8, 'num_heads': [2, 4], 'dilations': [[1], [1]], 'kernel_size': 3, 'out_indices': (0, 1)}


def classifier_weights(backbone_class, settings):
    """Random weights of the classifier: no norm for each map, but one norm and a head behind the last."""
    weights = backbone_class(**settings).state_dict()
    weights = {key: torch.rand_like(value) for key, value in weights.items() if not key.startswith('norm')}
    return weights | {'norm.weight': torch.rand(8), 'norm.bias': torch.rand(8), 'head.weight': torch.rand(5, 8)}


def initialized(backbone_class, settings, path):
    backbone = backbone_class(**settings, init_cfg={'type': 'Pretrained', 'checkpoint': str(path)})
    backbone.init_weights()
    return backbone


@pytest.mark.parametrize('wrap', [lambda w: {'model': w}, lambda w: {'state_dict': w}, lambda w: w])
@pytest.mark.parametrize(('backbone_class', 'settings'), [(ConvNeXt, CONVNEXT), (DiNAT, DINAT)])
def test_classifier_becomes_backbone(backbone_class, settings, wrap, tmp_path):
    weights = classifier_weights(backbone_class, settings)
    torch.save(wrap(weights), tmp_path / 'imagenet.pth')
    backbone = initialized(backbone_class, settings, tmp_path / 'imagenet.pth')
    for key, value in backbone.state_dict().items():
        expected = weights.get(key, torch.full_like(value, key.endswith('weight')))
        torch.testing.assert_close(value, expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ('change', 'fault'),
    [
        (lambda w: w.pop('stages.1.0.gamma'), 'missing: stages.1.0.gamma'),
        (lambda w: w.update(extra=torch.ones(1)), 'unknown: extra'),
        (lambda w: w.update({'stages.1.0.gamma': torch.ones(9)}), 'of another shape: stages.1.0.gamma'),
    ],
)
def test_weights_of_another_network_are_refused(change, fault, tmp_path):
    weights = classifier_weights(ConvNeXt, CONVNEXT)
    change(weights)
    torch.save({'model': weights}, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=f'other.pth does not hold the weights of this ConvNeXt.*{fault}'):
        initialized(ConvNeXt, CONVNEXT, tmp_path / 'other.pth')


def test_prefix_takes_a_part_of_a_checkpoint(tmp_path):
    weights = ConvNeXt(**CONVNEXT).state_dict()
    weights = {key: torch.rand_like(value) for key, value in weights.items()}
    torch.save({'state_dict': {f'backbone.{key}': value for key, value in weights.items()}}, tmp_path / 'model.pth')
    init_cfg = {'type': 'Pretrained', 'checkpoint': str(tmp_path / 'model.pth'), 'prefix': 'backbone.'}
    backbone = ConvNeXt(**CONVNEXT, init_cfg=init_cfg)
    backbone.init_weights()
    torch.testing.assert_close(dict(backbone.state_dict()), weights, rtol=0, atol=0)


@pytest.mark.parametrize('backbone', ['ConvNeXt', 'mmdet.ResNet'])
def test_weights_that_cannot_be_downloaded_are_named(backbone, build_model, monkeypatch):
    """Whoever downloads them: this package or mmengine."""

    def refused(*_, **__):
        raise URLError('connection refused')

    monkeypatch.setattr(CheckpointLoader, 'load_checkpoint', refused)
    settings = CONVNEXT | dict(depths=[1] * 4, channels=[8, 16, 32, 64], out_indices=(0, 1, 2, 3))
    settings = settings if backbone == 'ConvNeXt' else dict(depth=18, base_channels=8, stem_channels=8)
    init_cfg = dict(type='Pretrained', checkpoint='https://x.org/swin.pth')
    model = build_model(backbone=dict(type=backbone, **settings, init_cfg=init_cfg))
    with pytest.raises(ConnectionError, match=r'https://x.org/swin.pth cannot .*connection refused.*init_cfg=None'):
        model.init_weights()


def test_damaged_weights_are_named(tmp_path):
    path = tmp_path / 'imagenet.pth'
    torch.save(classifier_weights(ConvNeXt, CONVNEXT), path)
    path.write_bytes(path.read_bytes()[:500])
    backbone = ConvNeXt(**CONVNEXT, init_cfg={'type': 'Pretrained', 'checkpoint': str(path)})
    with pytest.raises(ValueError, match='imagenet.pth is damaged'), named_weights(backbone):
        backbone.init_weights()
    with pytest.raises(RuntimeError, match='else'), named_weights(backbone):
        raise RuntimeError('something else')


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_weights_of_which_nothing_fits_are_named(build_model, tmp_path, prefix):
    """Also by mmengine, for a backbone of mmdet."""
    settings = dict(type='mmdet.ResNet', depth=18, base_channels=8, stem_channels=8)
    weights = build_model(backbone=settings).backbone.state_dict()
    torch.save({prefix + key: value for key, value in weights.items()}, tmp_path / 'resnet.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'resnet.pth'))
    model = build_model(backbone=settings | dict(init_cfg=init_cfg))
    if prefix:
        with pytest.raises(ValueError, match=r'resnet.pth has no weights of ResNet, which would stay random'):
            model.init_weights()
        return
    model.init_weights()
    assert torch.equal(model.backbone.conv1.weight, weights['conv1.weight'])
    model.init_weights()  # does nothing, and is no error
