import pytest
import torch
from torch.nn import functional as F

import mmoneformer  # noqa: F401
from mmoneformer.models.text.text_encoder import TextEncoder
from mmoneformer.models.text.tokenizer import CONTEXT_LENGTH, Tokenizer
from mmoneformer.registry import MODELS

TEXTS = [
    'a photo with a road, route',
    'a panoptic photo',
    '',
    'a photo with a chest of drawers, chest, bureau, dresser',
]


@pytest.fixture(params=[128, 48, 160])
def encoder(request):
    """A small encoder in which every parameter matters; its heads have 64, 48 or 80 channels."""
    torch.manual_seed(0)
    encoder = TextEncoder(width=request.param, num_layers=2)
    for parameter in encoder.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return encoder


def plain_attention(block, x):
    """Attention head by head, with the causal mask written out and added."""
    mask = torch.full((x.shape[1], x.shape[1]), float('-inf')).triu(1)
    heads = [head.chunk(max(x.shape[-1] // 64, 1), dim=-1) for head in block.qkv(x).chunk(3, dim=-1)]
    values = [((q @ k.mT) / q.shape[-1] ** 0.5 + mask).softmax(-1) @ v for q, k, v in zip(*heads, strict=True)]
    return block.proj(torch.cat(values, dim=-1))


def plain_encoder(encoder, ids):
    """All tokens of all texts, as the paper's code computes it."""
    x = F.embedding(ids, encoder.token_embedding.weight) + encoder.position_embedding
    for block in encoder.blocks:
        x = x + plain_attention(block, block.norm1(x))
        hidden = block.fc1(block.norm2(x))
        x = x + block.fc2(hidden * (1.702 * hidden).sigmoid())
    x = F.layer_norm(x, x.shape[-1:], encoder.norm.weight, encoder.norm.bias)
    return torch.stack([row[tokens.tolist().index(tokens.max())] for row, tokens in zip(x, ids, strict=True)])


def test_equals_the_plain_encoder_on_all_tokens(encoder):
    ids = Tokenizer()(TEXTS)
    with torch.no_grad():
        states = encoder(ids)
        torch.testing.assert_close(states, plain_encoder(encoder, ids), atol=2e-5, rtol=0)
    assert states.shape == (4, encoder.width)
    assert (states[1:] - states[:1]).abs().amax(dim=1).min() > 1e-2  # the texts are told apart


def test_only_the_longest_text_is_computed(encoder):
    ids = Tokenizer()(TEXTS)
    lengths = []
    encoder.blocks[0].register_forward_hook(lambda module, args, output: lengths.append(output.shape[1]))
    encoder(ids)
    assert lengths == [(ids != 0).sum(dim=1).max()]
    assert lengths[0] < CONTEXT_LENGTH


def test_gradient_equals_the_plain_encoders(encoder):
    ids = Tokenizer()(TEXTS)
    target = torch.randn(4, encoder.width)
    parameters = list(encoder.parameters())
    gradients = torch.autograd.grad((encoder(ids) * target).sum(), parameters)
    expected = torch.autograd.grad((plain_encoder(encoder, ids) * target).sum(), parameters)
    for gradient, reference in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, reference, atol=1e-4, rtol=1e-4)


def test_initial_values_have_clips_deviations():
    torch.manual_seed(0)
    encoder = MODELS.build({'type': 'TextEncoder', 'width': 256, 'num_layers': 6})
    block = encoder.blocks[3]
    expected = {
        encoder.token_embedding.weight: 0.02,
        encoder.position_embedding: 0.01,
        block.qkv.weight: 1 / 16,
        block.proj.weight: 1 / 16 / 12**0.5,
        block.fc1.weight: 512**-0.5,
        block.fc2.weight: 1 / 16 / 12**0.5,
    }
    for parameter, std in expected.items():
        assert parameter.std().item() == pytest.approx(std, rel=0.02)
    assert not block.qkv.bias.any()
    assert not block.proj.bias.any()


def test_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match='multiple of its number of heads, .* got 129'):
        TextEncoder(width=129)
