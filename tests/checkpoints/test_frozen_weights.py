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


@pytest.mark.parametrize('settings', [dict(frozen=True), dict(lora_rank=2)], ids=str)
def test_small_checkpoints(write, settings, tmp_path):
    complete = write(**settings)
    small = convert(complete, tmp_path / 'small.pth', small=True)
    keys = {
        'complete': set(read_checkpoint(complete)['state_dict']),
        'small': set(read_checkpoint(small)['state_dict']),
    }
    left_out = keys['complete'] - keys['small']
    assert left_out == {key for key in keys['complete'] if key.startswith('backbone.net.') and 'lora' not in key}
    assert complete.stat().st_size - small.stat().st_size > 1e6  # test_vit has 306112 parameters
    for found, expected in zip(logits_of(small), logits_of(complete), strict=True):
        assert torch.equal(found, expected)
    (tmp_path / 'pretrained.safetensors').unlink()
    with pytest.raises(
        FileNotFoundError, match='pretrained.safetensors, the checkpoint of the backbone, is not a file'
    ):
        init_model(checkpoint=small, device='cpu')


@pytest.mark.parametrize('via_small', [False, True])
def test_conversion_merges_lora(write, via_small, tmp_path):
    complete = write(lora_rank=2)
    source = convert(complete, tmp_path / 'small.pth', small=True) if via_small else complete
    plain = convert(source, tmp_path / 'plain.pth')
    weights = read_checkpoint(plain)['state_dict']
    assert not [key for key in weights if 'lora' in key]
    assert not torch.equal(
        weights['backbone.net.blocks.0.attn.qkv.weight'],
        read_checkpoint(complete)['state_dict']['backbone.net.blocks.0.attn.qkv.weight'],
    )
    for found, expected in zip(logits_of(plain), logits_of(complete), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


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
