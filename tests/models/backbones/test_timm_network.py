import pytest
import torch
from safetensors.torch import save_file

from mmoneformer.models.backbones.timm_models import build_timm, import_timm
from mmoneformer.models.backbones.timm_network import TimmNetwork


def network(model='test_vit'):
    return TimmNetwork(model, lambda **weights: build_timm(model, **weights))


def test_a_record():
    found = network()
    assert (found.library, found.model, found.has_weights) == ('timm', 'test_vit', True)
    record = import_timm().get_pretrained_cfg('test_vit')
    assert found.normalization.mean == pytest.approx([255 * value for value in record.mean])
    assert not network('test_mambaout').has_weights


def test_weights_of_a_file(tmp_path):
    found = network()
    weights = {name: torch.rand_like(tensor) for name, tensor in found.build().state_dict().items()}
    save_file(weights, tmp_path / 'weights.safetensors')
    read = found.read(str(tmp_path / 'weights.safetensors')).state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in read.items())
