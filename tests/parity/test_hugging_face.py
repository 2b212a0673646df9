"""Logits equal those of randomly initialized models of ``transformers``, in both directions.

Where their code deviates from the authors', ours follows the authors: their images are not padded to 32 (here the
input is), their text encoder sees later tokens (the mask that it builds is never passed), and their post-processing
differs (not compared).
"""

from functools import partial

import pytest
import torch
from torch import nn

from mmoneformer.apis import init_model
from mmoneformer.checkpoints.conversion import convert
from mmoneformer.models.text.tokenizer import Tokenizer
from mmoneformer.tasks import TASKS

transformers = pytest.importorskip('transformers')
STAGES = dict(out_features=['stage1', 'stage2', 'stage3', 'stage4'])
DINAT = dict(depths=[2, 1, 1, 1], dilations=[[1, 3], [2], [1], [1]], kernel_size=3)
BACKBONES = {
    'swin': transformers.SwinConfig(
        embed_dim=16, depths=[2, 1, 2, 1], num_heads=[1, 2, 4, 8], window_size=5, **STAGES
    ),
    'dinat': transformers.DinatConfig(embed_dim=16, num_heads=[1, 2, 4, 8], mlp_ratio=2.0, **DINAT, **STAGES),
    'convnext': transformers.ConvNextConfig(
        hidden_sizes=[16, 32, 64, 128], depths=[1, 1, 2, 1], layer_scale_init_value=0.5, **STAGES
    ),
    'resnet': transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[16, 32, 64, 128], depths=[3, 4, 6, 3], layer_type='bottleneck', **STAGES
    ),
    'resnet18': transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[2, 2, 2, 2], layer_type='basic', **STAGES
    ),
}


def neighbors(length, kernel, dilation):
    """Along an axis: the pixels that each one sees, and their indices into the bias, both [L, K]."""
    seen, offsets = [], []
    for pixel in range(length):
        group = range(pixel % dilation, length, dilation)
        own = pixel // dilation
        start = min(max(own - kernel // 2, 0), len(group) - kernel)
        seen.append([group[start + step] for step in range(kernel)])
        offsets.append([start + step - own + kernel - 1 for step in range(kernel)])
    return torch.tensor(seen), torch.tensor(offsets)


def heads_first(x):
    """[B, W, H, heads, C], as transformers 5 mistakenly hands it over, to natten's [B, heads, H, W, C]."""
    return x.permute(0, 3, 2, 1, 4)


def gather_neighbors(x, kernel, dilation):
    """[B, heads, H, W, C] to [B, heads, H, W, K * K, C]."""
    rows, columns = (neighbors(length, kernel, dilation)[0] for length in x.shape[2:4])
    return x[:, :, rows[:, None, :, None], columns[None, :, None, :]].flatten(4, 5)


def natten2dqkrpb(query, key, bias, kernel, dilation):
    query, key = heads_first(query), heads_first(key)
    rows, columns = (neighbors(length, kernel, dilation)[1] for length in query.shape[2:4])
    scores = torch.einsum('bnhwc,bnhwkc->bnhwk', query, gather_neighbors(key, kernel, dilation))
    return scores + bias[:, rows[:, None, :, None], columns[None, :, None, :]].flatten(3)


def natten2dav(attention, value, kernel, dilation):
    return torch.einsum('bnhwk,bnhwkc->bnhwc', attention, gather_neighbors(heads_first(value), kernel, dilation))


@pytest.fixture(autouse=True)
def without_natten(monkeypatch):
    """Their DiNAT calls two functions of natten: here they are."""
    module = transformers.models.dinat.modeling_dinat
    monkeypatch.setattr(module, 'requires_backends', lambda *args: None)
    monkeypatch.setattr(module, 'natten2dqkrpb', natten2dqkrpb)
    monkeypatch.setattr(module, 'natten2dav', natten2dav)


def make_theirs(backbone):
    torch.manual_seed(0)
    config = transformers.OneFormerConfig(
        backbone_config=BACKBONES[backbone],
        num_queries=12,
        hidden_dim=64,
        mask_dim=64,
        conv_dim=64,
        encoder_layers=1,
        encoder_feedforward_dim=96,
        query_dec_layers=2,
        decoder_layers=4,
        dim_feedforward=128,
        text_encoder_width=64,
        text_encoder_num_layers=1,
        text_encoder_n_ctx=2,
        is_training=True,
        dropout=0.0,  # their pixel decoder drops in evaluation, too, where `is_training` is set
        num_labels=19,
    )
    model = transformers.OneFormerForUniversalSegmentation(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn(parameter.shape)
    return model


def texts_for(task):
    """Twelve queries less two context vectors; their model wants texts to predict, too."""
    return [f'a photo with a {task}', *['a car'] * 9]


@torch.no_grad()
def their_output(model, image, task):
    tokenize = Tokenizer()
    ids, texts = tokenize([TASKS[task].sentence]), tokenize(texts_for(task))[None]
    return model(pixel_values=image, task_inputs=ids.float(), text_inputs=texts)


def check_logits(theirs, ours, check):
    image = torch.randn(1, 3, 96, 160, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = ours(image, mode='tensor', tasks=list(TASKS))
    for task, (class_logits, mask_logits) in found.items():
        expected = their_output(theirs, image, task)
        assert expected.class_queries_logits.std() > 0.1
        check('class logits', class_logits - expected.class_queries_logits, 1e-4)
        check('mask logits', mask_logits - expected.masks_queries_logits, 1e-4)


@pytest.mark.parametrize('backbone', BACKBONES)
def test_there_and_back(backbone, parity, tmp_path):
    check = partial(parity.check, f'transformers, {backbone}')
    theirs = make_theirs(backbone)
    theirs.save_pretrained(tmp_path / 'theirs')
    ours = init_model(checkpoint=convert(tmp_path / 'theirs', tmp_path / 'ours.pth'), device='cpu')
    check_logits(theirs, ours, check)
    assert ours.dataset_meta['classes'][0] == 'road'

    convert(tmp_path / 'ours.pth', tmp_path / 'back')
    back, report = transformers.OneFormerForUniversalSegmentation.from_pretrained(
        tmp_path / 'back', is_training=True, dropout=0.0, output_loading_info=True
    )
    unused = {key for key in report['missing_keys'] if '.swin.layernorm.' in key}  # their Swin never calls it
    assert not report['unexpected_keys']
    assert set(report['missing_keys']) == unused
    check_logits(back.eval(), ours, check)
    weights = theirs.state_dict()
    for key, tensor in back.state_dict().items():
        assert key in unused or torch.equal(tensor, weights[key]), key


def test_texts_follow_the_authors(tmp_path):
    theirs = make_theirs('convnext')
    theirs.save_pretrained(tmp_path / 'theirs')
    ours = init_model(checkpoint=convert(tmp_path / 'theirs', tmp_path / 'ours.pth'), device='cpu')
    texts = texts_for('semantic')
    with torch.no_grad():
        found = ours.panoptic_head.text_mapper([texts])
        mapper = theirs.model.text_mapper
        theirs_see_all = mapper(Tokenizer()(texts)[None])
        later = nn.Transformer.generate_square_subsequent_mask(77)
        for layer in mapper.text_encoder.transformer.layers:
            layer.self_attn.forward = partial(layer.self_attn.forward, attn_mask=later)
        causal = mapper(Tokenizer()(texts)[None])
    torch.testing.assert_close(found, causal, atol=1e-5, rtol=0)
    assert (found - theirs_see_all).abs().max() > 1e-2
