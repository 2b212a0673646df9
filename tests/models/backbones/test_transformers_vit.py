import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from mmoneformer.models.backbones.transformers_vit import TransformersViT
from mmoneformer.models.layers.lora import LoRALinear, without_lora

IMAGES = (2, 3, 64, 96)
SMALL = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=64)
MODELS = {
    kind: dict(model_type=kind, patch_size=patch, **SMALL)
    for kind, patch in (('dinov2', 14), ('dinov2_with_registers', 14), ('dinov3_vit', 16), ('vit', 16))
}


@torch.no_grad()
@pytest.mark.parametrize('kind', list(MODELS)[:3])
def test_the_map_equals_that_of_the_library(kind):
    """Of its backbones, which are other classes than those that the features come from here."""
    transformers = pytest.importorskip('transformers')
    backbone = TransformersViT(model=MODELS[kind]).eval()
    for parameter in backbone.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    theirs = transformers.AutoBackbone.from_config(backbone.net.config).eval()
    theirs.load_state_dict(backbone.net.state_dict())
    images = torch.randn(IMAGES)
    patch = MODELS[kind]['patch_size']
    resized = images if patch == 16 else F.interpolate(images, (4 * 14, 6 * 14), mode='bilinear', antialias=True)
    (expected,) = theirs(resized).feature_maps
    maps = backbone(images)
    torch.testing.assert_close(maps[2], expected)
    assert [tuple(output.shape[1:]) for output in maps] == [(8, 16, 24), (16, 8, 12), (32, 4, 6), (32, 2, 3)]


def test_positions_of_any_size():
    """Those of a ViT, which asks to be told so."""
    assert TransformersViT(model=MODELS['vit'])(torch.randn(1, 3, 32, 160))[2].shape == (1, 32, 2, 10)


@pytest.mark.parametrize('settings', [dict(), dict(frozen=True)], ids=str)
def test_a_training_step_and_a_prediction(build_model, train_batch, settings):
    backbone = dict(type='TransformersViT', model=MODELS['dinov3_vit'], **settings)
    model = build_model(backbone=backbone).train()
    sum(loss for name, loss in model(**train_batch, mode='loss').items() if 'loss' in name).backward()
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)
    learning = any(value.requires_grad for value in model.backbone.net.parameters())
    assert learning == ('frozen' not in settings)
    logits = model.eval()(torch.randn(1, 3, 64, 96), mode='tensor')
    assert logits['panoptic'][1].shape == (1, 12, 16, 24)


def test_recomputation_changes_no_gradient():
    gradients = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        backbone = TransformersViT(model=MODELS['dinov2'], with_cp=with_cp)
        sum(output.square().mean() for output in backbone(torch.randn(IMAGES))).backward()
        gradients.append({name: value.grad for name, value in backbone.named_parameters() if value.requires_grad})
    torch.testing.assert_close(gradients[1], gradients[0])


def test_lora():
    backbone = TransformersViT(model=MODELS['dinov3_vit'], lora_rank=3).eval()
    layers = [module for module in backbone.modules() if isinstance(module, LoRALinear)]
    assert len(layers) == 2 * 6  # query, key, value, output, and two of the feed-forward network
    for layer in layers:
        nn.init.normal_(layer.lora_up)
    images = torch.randn(IMAGES)
    for output, expected in zip(without_lora(backbone)(images), backbone(images), strict=True):
        torch.testing.assert_close(output, expected, atol=1e-4, rtol=1e-4)


def test_layers_are_numbered_from_above():
    above = TransformersViT(model=MODELS['dinov2']).layers_above()
    assert {layers for name, layers in above.items() if name.startswith('net.embeddings.')} == {3}
    assert {layers for name, layers in above.items() if name.startswith('net.encoder.layer.0.')} == {2}
    assert {layers for name, layers in above.items() if name.startswith('net.encoder.layer.1.')} == {1}
    assert {layers for name, layers in above.items() if name.startswith(('net.layernorm', 'pyramid'))} == {0}


def test_pretrained_weights(tmp_path):
    trained = TransformersViT(model=MODELS['dinov2']).net
    save_file(trained.state_dict(), tmp_path / 'weights.safetensors')
    backbone = TransformersViT(
        model=MODELS['dinov2'], checkpoint=str(tmp_path / 'weights.safetensors'), drop_path_rate=0.1
    )
    backbone.init_weights()
    weights = backbone.net.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in trained.state_dict().items())
    with pytest.raises(ValueError, match='transformers has no weights of dinov2: set checkpoint to a file'):
        TransformersViT(model=MODELS['dinov2'], pretrained=True)
