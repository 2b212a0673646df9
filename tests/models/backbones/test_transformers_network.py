import sys

import pytest
import torch
from safetensors.torch import save_file

from mmoneformer.models.backbones.transformers_network import TransformersNetwork, find_blocks

SMALL = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=64)
DINO = dict(model_type='dinov2', patch_size=14, **SMALL)


def test_what_has_no_influence_is_frozen():
    net = TransformersNetwork(DINO, 0.0).build()
    assert find_blocks(net) == 'encoder.layer'
    frozen = [name for name, parameter in net.named_parameters() if not parameter.requires_grad]
    assert frozen == ['embeddings.mask_token']


def test_a_folder(tmp_path):
    """As ``save_pretrained`` of transformers writes it, with the record of a processor beside it."""
    first = TransformersNetwork(DINO, 0.0).build()
    first.save_pretrained(tmp_path)
    (tmp_path / 'preprocessor_config.json').write_text('{"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.1]}')
    network = TransformersNetwork(str(tmp_path), 0.0)
    assert network.normalization.mean == [127.5, 102, 76.5]
    assert network.normalization.std == [51, 51, 25.5]
    weights = first.state_dict()
    loaded = network.download().state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in loaded.items())
    (tmp_path / 'preprocessor_config.json').unlink()
    assert TransformersNetwork(str(tmp_path), 0.0).normalization is None


@pytest.mark.parametrize('prefix', ['', 'dinov2.'])
def test_a_file(prefix, tmp_path):
    """Also one of a classifier."""
    network, path = TransformersNetwork(DINO, 0.0), str(tmp_path / 'weights.safetensors')
    weights = {name: torch.randn_like(tensor) for name, tensor in network.build().state_dict().items()}
    save_file({prefix + name: tensor for name, tensor in weights.items()}, path)
    loaded = network.read(path).state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in loaded.items())


@pytest.mark.parametrize('change', ['missing', 'shape'])
def test_files_of_other_networks(change, tmp_path):
    network, path = TransformersNetwork(DINO, 0.0), str(tmp_path / 'weights.safetensors')
    weights = network.build().state_dict()
    if change == 'missing':
        del weights['layernorm.weight']
    else:
        weights['layernorm.weight'] = torch.zeros(7)
    save_file(weights, path)
    with pytest.raises(ValueError, match=r'does not hold the weights of dinov2 of transformers \('):
        network.read(path)


@pytest.mark.parametrize('kind', ['bert', 'vit_mae', 'vitdet'])  # text; patches are left out; other outputs
def test_other_networks_are_refused(kind):
    small = dict(SMALL, patch_size=16) if kind.startswith('vit') else {}
    with pytest.raises(ValueError, match=f'{kind} of transformers is no plain vision transformer.*dinov2-base'):
        TransformersNetwork(dict(model_type=kind, **small), 0.0).build()


def test_unknown_models(tmp_path):
    with pytest.raises(ValueError, match="has the model_type 'dino9', which this transformers does not know"):
        TransformersNetwork(dict(model_type='dino9'), 0.0)
    with pytest.raises(ValueError, match=r'the config of .* cannot be had \(.*set model.backbone.model to a folder'):
        TransformersNetwork(str(tmp_path), 0.0)
    with pytest.raises(ValueError, match='clip_vision_model of transformers does not take drop_path_rate'):
        TransformersNetwork(dict(model_type='clip_vision_model'), 0.1)


def test_without_transformers(monkeypatch):
    monkeypatch.setitem(sys.modules, 'transformers', None)
    with pytest.raises(ImportError, match=r"pip install 'mmoneformer\[transformers\]'.*or take .*type='TimmViT'"):
        TransformersNetwork(DINO, 0.0)
