import math
from functools import partial

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mmoneformer.engine.optimizers.parameter_groups import OneFormerOptimWrapperConstructor
from mmoneformer.models.backbones.timm_models import import_timm
from mmoneformer.models.backbones.timm_vit import TimmViT
from mmoneformer.models.layers.lora import LoRALinear, without_lora

IMAGES = (2, 3, 64, 96)
DINO = {
    'test_vit': {},  # a class token
    'test_vit2': {},  # a register
    'vit_tiny_patch16_dinov3_qkvb': {},  # rotary positions, a class token, registers
    'eva02_tiny_patch14_224': dict(patch_size=16, img_size=256, dynamic_img_size=True),  # both kinds of positions
}


def shake(module):
    for parameter in module.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)


@torch.no_grad()
@pytest.mark.parametrize(('model', 'settings'), DINO.items(), ids=DINO)
def test_the_map_equals_that_of_timm(model, settings, monkeypatch):
    timm = import_timm()
    monkeypatch.setattr(timm, 'create_model', partial(timm.create_model, depth=2))
    backbone, images = TimmViT(model=model).eval(), torch.randn(IMAGES)
    shake(backbone)
    theirs = timm.create_model(model, num_classes=0, **settings).eval()
    theirs.load_state_dict(backbone.net.state_dict(), strict=False)
    tokens = theirs.forward_features(images)[:, theirs.num_prefix_tokens :]
    maps = backbone(images)
    torch.testing.assert_close(maps[2], tokens.mT.unflatten(2, (4, 6)))
    width = theirs.embed_dim
    sizes = [(width // 4, 16, 24), (width // 2, 8, 12), (width, 4, 6), (width, 2, 3)]
    assert [tuple(output.shape[1:]) for output in maps] == sizes


@pytest.mark.slow
@torch.no_grad()
def test_weights_of_other_patches_and_sizes(tmp_path):
    """A constant image has the same embedding however large the patches; positions are kept as trained."""
    trained = import_timm().create_model('eva02_tiny_patch14_224', num_classes=0)
    shake(trained)
    save_file(trained.state_dict(), tmp_path / 'weights.safetensors')
    backbone = TimmViT(model='eva02_tiny_patch14_224', checkpoint=str(tmp_path / 'weights.safetensors'))
    backbone.init_weights()
    net, gray = backbone.net, torch.full((1, 3, 224, 224), 0.5)
    assert torch.equal(net.pos_embed, trained.pos_embed)
    assert net.patch_embed.patch_size == (16, 16)
    found = net.patch_embed(gray).flatten(1, 2)[0, 0]
    torch.testing.assert_close(found, trained.patch_embed(gray)[0, 0], atol=2e-2, rtol=2e-2)


def test_other_networks_are_refused():
    for model in ('test_convnext', 'beit_base_patch16_224'):
        with pytest.raises(ValueError, match=f"{model} of timm is no plain .*or type='TimmBackbone' for"):
            TimmViT(model=model)


def learning(backbone):
    return {name for name, parameter in backbone.named_parameters() if parameter.requires_grad}


def saved_by(backbone, images):
    """Storages that autograd keeps for the backward pass, without parameters."""
    own, kept = {parameter.data_ptr() for parameter in backbone.parameters()}, {}

    def pack(tensor):
        if tensor.data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        maps = backbone(images)
    return maps, sum(kept.values())


def test_a_frozen_transformer_keeps_nothing():
    free, frozen = TimmViT(model='test_vit'), TimmViT(model='test_vit', frozen=True, drop_path_rate=0.5).train()
    assert learning(frozen) == {name for name in dict(frozen.named_parameters()) if name.startswith('pyramid.')}
    assert not any(module.training for module in frozen.net.modules())
    assert frozen.pyramid.training
    images = torch.randn(IMAGES)
    maps, kept = saved_by(frozen, images)
    _, kept_of_pyramid = saved_by(frozen.pyramid, maps[2].detach())
    assert kept <= kept_of_pyramid + maps[2].nbytes
    assert kept < 0.3 * saved_by(free, images)[1]
    sum(output.sum() for output in maps).backward()
    assert all(parameter.grad is None for parameter in frozen.net.parameters())


def test_recomputation_changes_no_gradient():
    plain, recomputing = TimmViT(model='test_vit'), TimmViT(model='test_vit', with_cp=True)
    recomputing.load_state_dict(plain.state_dict())
    images, kept = torch.randn(IMAGES), []
    for backbone in (plain, recomputing):
        maps, size = saved_by(backbone, images)
        sum(output.square().mean() for output in maps).backward()
        kept.append(size)
    assert kept[1] < 0.5 * kept[0]
    expected = dict(plain.named_parameters())
    for name, parameter in recomputing.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name].grad)


@pytest.mark.parametrize('model', ['test_vit', 'vit_tiny_patch16_dinov3_qkvb'])
def test_lora(model, monkeypatch):
    """In all linear layers, also of attention that reads the weights without calling the layer, as in the second."""
    if model != 'test_vit':
        timm = import_timm()
        monkeypatch.setattr(timm, 'create_model', partial(timm.create_model, depth=1))
    backbone = TimmViT(model=model, lora_rank=3)
    layers = {name for name, module in backbone.named_modules() if isinstance(module, LoRALinear)}
    parts = ('attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2')
    assert layers == {f'net.blocks.{index}.{part}' for index in range(len(backbone.net.blocks)) for part in parts}
    adapters = {f'{name}.lora_{part}' for name in layers for part in ('down', 'up')}
    assert learning(backbone) == adapters | {name for name in learning(backbone) if name.startswith('pyramid.')}
    for name in layers:
        nn.init.normal_(backbone.get_submodule(name).lora_up)
    images = torch.randn(IMAGES)
    maps = backbone(images)
    sum(output.square().sum() for output in maps).backward()
    assert all(parameter.grad.any() for name, parameter in backbone.named_parameters() if name in adapters)
    merged = without_lora(backbone)
    assert not [module for module in merged.modules() if isinstance(module, LoRALinear)]
    for output, expected in zip(merged(images), maps, strict=True):
        torch.testing.assert_close(output, expected, atol=1e-4, rtol=1e-4)


def test_lora_in_a_frozen_transformer_is_refused():
    with pytest.raises(ValueError, match='lora_rank is 4 in a frozen backbone'):
        TimmViT(model='test_vit', frozen=True, lora_rank=4)


@pytest.mark.parametrize('lora_rank', [0, 2])
def test_pretrained_weights(lora_rank, tmp_path):
    trained = import_timm().create_model('test_vit')
    shake(trained)
    save_file(trained.state_dict(), tmp_path / 'weights.safetensors')
    backbone = TimmViT(model='test_vit', checkpoint=str(tmp_path / 'weights.safetensors'), lora_rank=lora_rank)
    backbone.init_weights()
    weights = trained.state_dict()
    assert all(
        torch.equal(tensor, weights[name]) for name, tensor in backbone.net.state_dict().items() if 'lora' not in name
    )


def test_layer_wise_learning_rates(build_model):
    """As in BEiT: decay^(layers + 1 - id), where id is 0 for embeddings, i + 1 for block i."""
    model = build_model(backbone=dict(type='TimmViT', model='test_vit'))
    config = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1.0, weight_decay=0.05))
    wrapper = OneFormerOptimWrapperConstructor(config, dict(layer_decay=0.5, backbone_lr_mult=0.25))(model)
    rates = {id(parameter): group['lr'] for group in wrapper.param_groups for parameter in group['params']}
    decayed = {id(parameter): group['weight_decay'] for group in wrapper.param_groups for parameter in group['params']}
    for name, parameter in model.named_parameters():
        if not name.startswith('backbone.'):
            assert rates[id(parameter)] == 1.0
            continue
        if 'blocks' in name:
            number = int(name.split('.')[3]) + 1
        else:
            number = 0 if name.split('.')[2] in ('cls_token', 'pos_embed', 'patch_embed') else 7
        assert math.isclose(rates[id(parameter)], 0.25 * 0.5 ** (7 - number)), name
        is_exempt = parameter.ndim == 1 or name.endswith(('cls_token', 'pos_embed'))
        assert decayed[id(parameter)] == (0 if is_exempt else 0.05), name


@pytest.mark.parametrize('settings', [dict(), dict(frozen=True), dict(lora_rank=2)], ids=str)
def test_a_training_step_and_a_prediction(build_model, train_batch, settings):
    model = build_model(backbone=dict(type='TimmViT', model='test_vit2', **settings)).train()
    sum(loss for name, loss in model(**train_batch, mode='loss').items() if 'loss' in name).backward()
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)
    logits = model.eval()(torch.randn(1, 3, 64, 96), mode='tensor')
    assert logits['panoptic'][1].shape == (1, 12, 16, 24)
