import pytest
import torch

from mmoneformer.models.ops.attention import BLOCK, attention
from mmoneformer.models.ops.dropout import DropoutMask

DROPOUT = 0.3
HEADS = 3


def draw_inputs(dtype=torch.float64):
    torch.manual_seed(0)
    return [torch.randn(2, length, HEADS * 4, dtype=dtype, requires_grad=True) for length in (5, 7, 7)]


def split_heads(part):
    return part.unflatten(-1, (HEADS, -1)).transpose(1, 2)


def plain(query, key, value, seed, block=BLOCK):
    """The definition, with the dropout masks of the same seed, which are drawn for some keys at a time."""
    query, key, value = map(split_heads, (query, key, value))
    weights = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)
    mask = DropoutMask(DROPOUT, seed)
    kept = [
        torch.cat([mask.draw(part.shape, part.dtype) for part in head.split(block, 1)], 1)
        for head in weights.flatten(0, 1)
    ]
    kept = torch.stack(kept).view(weights.shape)
    return ((weights * kept / (1 - DROPOUT)) @ value).transpose(1, 2).flatten(2)


@pytest.mark.parametrize('block', [BLOCK, 3])
@pytest.mark.parametrize('scale', [1, 1000])  # of the logits: no exponential is out of range
def test_dropout_equals_the_definition_with_its_gradients(block, scale, monkeypatch):
    monkeypatch.setattr('mmoneformer.models.ops.attention.BLOCK', block)
    query, key, value = draw_inputs()
    inputs = query, (scale * key).detach().requires_grad_(), value
    torch.manual_seed(5)
    seed = DropoutMask(DROPOUT).seed
    expected = plain(*inputs, seed, block)
    torch.manual_seed(5)
    found = attention(*inputs, num_heads=HEADS, dropout=DROPOUT)
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(found)
    for ours, theirs in zip(
        torch.autograd.grad(found, inputs, direction), torch.autograd.grad(expected, inputs, direction), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_values_that_all_images_share():
    query, key, value = draw_inputs()
    shared = value[:1].detach().requires_grad_()
    gradients = []
    for values in (shared, shared.expand(2, -1, -1)):
        torch.manual_seed(5)
        found = attention(query, key, values, num_heads=HEADS, dropout=DROPOUT)
        gradients.append(torch.autograd.grad(found.square().sum(), (query, key, shared)))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_attention_weights_are_not_kept_for_the_backward_pass():
    saved = []
    query, key = (torch.randn(1, length, 8, requires_grad=True) for length in (30, 40))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
        attention(query, key, key, num_heads=2, dropout=DROPOUT)
    assert max(saved) < 30 * 40


def test_under_autocast_it_is_float32():
    inputs = [part.bfloat16().detach().requires_grad_() for part in draw_inputs(torch.float32)]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        torch.manual_seed(5)
        found = attention(*inputs, num_heads=HEADS, dropout=DROPOUT)
    torch.manual_seed(5)
    torch.testing.assert_close(found, attention(*(part.float() for part in inputs), num_heads=HEADS, dropout=DROPOUT))
    found.sum().backward()
    assert inputs[0].grad.dtype == torch.bfloat16


def test_without_dropout_it_equals_the_definition():
    query, key, value = draw_inputs()
    heads = [split_heads(part) for part in (query, key, value)]
    mask = torch.rand(2, 5, 7) < 0.5
    mask[..., 3] = True
    logits = heads[0] @ heads[1].mT / 4**0.5
    for given, masked in ((None, logits), (mask, logits.masked_fill(~mask[:, None], -torch.inf))):
        expected = (masked.softmax(-1) @ heads[2]).transpose(1, 2).flatten(2)
        torch.testing.assert_close(attention(query, key, value, num_heads=HEADS, mask=given), expected)


def test_values_shared_by_all_images_need_not_be_repeated():
    query, key, value = draw_inputs()
    expected = attention(query, key, value[:1].expand(2, -1, -1), num_heads=HEADS)
    torch.testing.assert_close(attention(query, key, value[:1], num_heads=HEADS), expected)
