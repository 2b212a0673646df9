import pytest
import torch
from mmengine.config import Config
from safetensors.torch import save_file

from mmoneformer.apis import init_model
from mmoneformer.checkpoints.conversion import convert
from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.config_files import config_path
from mmoneformer.models.backbones.timm_models import import_timm
from mmoneformer.registry import MODELS


@pytest.fixture
def write(tmp_path):
    """Writes a checkpoint as training does, of a model whose backbone started from a file."""

    def checkpoint(**settings):
        torch.manual_seed(0)
        pretrained = tmp_path / 'pretrained.safetensors'
        save_file(import_timm().create_model('test_vit').state_dict(), pretrained)
        cfg = Config.fromfile(config_path('oneformer_tiny_shapes'))
        cfg.model.panoptic_head.merge(dict(channels=32, masked_decoder=dict(num_layers=1)))
        cfg.model.backbone = dict(type='TimmViT', model='test_vit', checkpoint=str(pretrained), **settings)
        model = MODELS.build(cfg.model)
        model.init_weights()
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data += 0.02 * torch.randn_like(parameter)
        path = tmp_path / 'trained.pth'
        torch.save({'state_dict': model.state_dict(), 'meta': {'cfg': cfg.pretty_text}}, path)
        return path

    return checkpoint


@torch.no_grad()
def logits_of(path):
    model = init_model(checkpoint=path, device='cpu')
    torch.manual_seed(1)
    return model(torch.randn(1, 3, 64, 96), mode='tensor')['panoptic']


def check_equal(path, complete):
    for found, expected in zip(logits_of(path), logits_of(complete), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_a_frozen_backbone(write, tmp_path):
    complete = write(frozen=True)
    small = convert(complete, tmp_path / 'small.pth', small=True)
    assert not [key for key in read_checkpoint(small)['state_dict'] if key.startswith('backbone.net.')]
    assert complete.stat().st_size - small.stat().st_size > 1e6  # test_vit has 306112 parameters
    check_equal(small, complete)
    (tmp_path / 'pretrained.safetensors').unlink()
    with pytest.raises(
        FileNotFoundError, match='pretrained.safetensors, the checkpoint of the backbone, is not a file'
    ):
        init_model(checkpoint=small, device='cpu')


def test_lora(write, tmp_path):
    complete = write(lora_rank=2)
    small = convert(complete, tmp_path / 'small.pth', small=True)
    in_backbone = [key for key in read_checkpoint(small)['state_dict'] if key.startswith('backbone.net.')]
    assert len(in_backbone) == 6 * 4 * 2
    assert all('.lora_' in key for key in in_backbone)
    plain = convert(small, tmp_path / 'plain.pth')
    weights, before = (read_checkpoint(path)['state_dict'] for path in (plain, complete))
    assert not [key for key in weights if 'lora' in key]
    layer = 'backbone.net.blocks.3.mlp.fc1.'
    update = before[f'{layer}lora_up'] @ before[f'{layer}lora_down']
    torch.testing.assert_close(weights[f'{layer}weight'], before[f'{layer}weight'] + update)
    check_equal(plain, complete)


def test_what_has_no_small_checkpoint(write, tmp_path):
    with pytest.raises(ValueError, match='a small checkpoint is one of a frozen backbone, or one with LoRA'):
        convert(write(), tmp_path / 'small.pth', small=True)
    with pytest.raises(ValueError, match='small is for checkpoints of ours, and .* has no suffix'):
        convert(write(frozen=True), tmp_path / 'folder', small=True)


def test_other_checkpoints_that_lack_weights_are_refused(write, tmp_path):
    content = read_checkpoint(write(frozen=True))
    del content['state_dict']['backbone.net.norm.weight']
    torch.save(content, tmp_path / 'damaged.pth')
    with pytest.raises(ValueError, match=r'damaged.pth does not fit the model: missing: backbone.net.norm.weight'):
        init_model(checkpoint=tmp_path / 'damaged.pth', device='cpu')
