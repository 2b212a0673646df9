import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mmoneformer.models.backbones.library_module import read_weights
from mmoneformer.models.backbones.timm_backbone import TimmBackbone
from mmoneformer.models.backbones.timm_models import import_timm


@pytest.fixture(params=['test_convnext', 'test_efficientnet'])  # timm wraps the first
def trained(request):
    """A classifier of timm with weights that all matter, and its name."""
    net = import_timm().create_model(request.param)
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            tensor += torch.rand_like(tensor)
    return request.param, net


@pytest.mark.parametrize('suffix', ['safetensors', 'pth'])
@torch.no_grad()
def test_weights_of_a_file(trained, suffix, tmp_path):
    model, net = trained
    path = str(tmp_path / f'weights.{suffix}')
    if suffix == 'pth':
        torch.save({'state_dict': net.state_dict()}, path)
    else:
        save_file(net.state_dict(), path)
    backbone = TimmBackbone(model=model, checkpoint=path)
    backbone.init_weights()
    images = torch.randn(1, 3, 64, 96)
    expected = net.eval().forward_intermediates(images, intermediates_only=True)
    assert torch.equal(backbone.eval()(images)[-1], expected[-1])
    for parameter in backbone.parameters():
        nn.init.zeros_(parameter)
    backbone.init_weights()  # does nothing
    assert not any(parameter.any() for parameter in backbone.parameters())


def test_weights_are_initialized_in_a_model(trained, tmp_path, build_model):
    model, net = trained
    save_file(net.state_dict(), tmp_path / 'weights.safetensors')
    backbone = dict(type='TimmBackbone', model=model, checkpoint=str(tmp_path / 'weights.safetensors'))
    detector = build_model(backbone=backbone)
    detector.init_weights()
    found = set(map(float, detector.backbone.state_dict()['net.' + first_weight(detector.backbone.net)].flatten()))
    assert found <= {float(value) for tensor in net.state_dict().values() for value in tensor.flatten()}


def first_weight(net):
    return next(name for name in net.state_dict() if name.endswith('weight'))


@pytest.mark.parametrize('change', ['other', 'without one'])
def test_weights_of_another_model(trained, change, tmp_path):
    """Of a part of the weights timm itself does not complain."""
    model, net = trained
    weights, name = net.state_dict(), first_weight(net)
    if change == 'other':
        weights = import_timm().create_model('test_resnet').state_dict()
    else:
        del weights[name]
    save_file(weights, tmp_path / 'other.safetensors')
    backbone = TimmBackbone(model=model, checkpoint=str(tmp_path / 'other.safetensors'))
    fault = '(RuntimeError|KeyError)' if change == 'other' else 'missing'
    with pytest.raises(ValueError, match=rf'other.safetensors does not hold the weights of {model} of timm.*{fault}'):
        backbone.init_weights()


class Evil:
    def __reduce__(self):
        return print, ('run',)


def test_files_that_are_none(tmp_path, capsys):
    path = tmp_path / 'weights.pth'
    with pytest.raises(FileNotFoundError, match=r'weights.pth, the checkpoint of the backbone, is not a file'):
        read_weights(str(path))
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match=r'weights.pth has no weights, but list \[1, 2\]'):
        read_weights(str(path))
    path.write_bytes(pickle.dumps({'state_dict': Evil()}))
    with pytest.raises(ValueError, match='weights.pth is damaged, or has more than weights'):
        read_weights(str(path))
    assert 'run' not in capsys.readouterr().out
    (tmp_path / 'weights.safetensors').write_bytes(b'<html>')
    with pytest.raises(ValueError, match='weights.safetensors is damaged'):
        read_weights(str(tmp_path / 'weights.safetensors'))


def test_weights_that_cannot_be_downloaded(build_model, monkeypatch):
    def refused(*_, **__):
        raise OSError('no route to host')

    model = build_model(backbone=dict(type='TimmBackbone', model='test_convnext', pretrained=True))
    monkeypatch.setattr('timm.models._builder.load_state_dict_from_hf', refused)
    with pytest.raises(
        ConnectionError, match=r'of test_convnext cannot be downloaded \(OSError: no route.*checkpoint'
    ):
        model.init_weights()


def test_models_without_weights():
    with pytest.raises(ValueError, match='timm has no weights of test_mambaout: set checkpoint to a file'):
        TimmBackbone(model='test_mambaout', pretrained=True)
