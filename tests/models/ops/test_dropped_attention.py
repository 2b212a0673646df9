import torch

from mmoneformer.models.layers.dropout import DropoutMask
from mmoneformer.models.ops.dropped_attention import dropped_attention

DROPOUT = 0.3
HEADS = 3


def draw_inputs(dtype=torch.float64):
    torch.manual_seed(0)
    return [torch.randn(2, length, HEADS * 4, dtype=dtype, requires_grad=True) for length in (5, 7, 7)]


def split_heads(part):
    return part.unflatten(-1, (HEADS, -1)).transpose(1, 2)


def plain(query, key, value, seed):
    """The definition, with what the same seed keeps."""
    query, key, value = map(split_heads, (query, key, value))
    weights = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)
    drawer = DropoutMask(DROPOUT, seed)
    kept = torch.stack([drawer.draw(head.shape, head.dtype) for head in weights.flatten(0, 1)]).view(weights.shape)
    return ((weights * kept / (1 - DROPOUT)) @ value).transpose(1, 2).flatten(2)


def test_results_and_gradients_equal_the_definition():
    inputs = draw_inputs()
    torch.manual_seed(5)
    seed = DropoutMask(DROPOUT).seed
    expected = plain(*inputs, seed)
    torch.manual_seed(5)
    found = dropped_attention(*inputs, HEADS, DROPOUT)
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
        found = dropped_attention(query, key, values, HEADS, DROPOUT)
        gradients.append(torch.autograd.grad(found.square().sum(), (query, key, shared)))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_weights_are_not_kept():
    kept = []
    query, key = (torch.randn(1, length, 8, requires_grad=True) for length in (30, 40))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        dropped_attention(query, key, key, 2, DROPOUT)
    assert max(kept) < 30 * 40


def test_under_autocast_it_is_float32():
    inputs = [part.bfloat16().detach().requires_grad_() for part in draw_inputs(torch.float32)]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        torch.manual_seed(5)
        found = dropped_attention(*inputs, HEADS, DROPOUT)
    torch.manual_seed(5)
    torch.testing.assert_close(found, dropped_attention(*(part.float() for part in inputs), HEADS, DROPOUT))
    found.sum().backward()
    assert inputs[0].grad.dtype == torch.bfloat16
