import torch

from mmoneformer.models.dropout import KeptOnes
from mmoneformer.models.dropped_attention import dropped_attention

DROPOUT = 0.3


def draw_inputs(dtype=torch.float64):
    torch.manual_seed(0)
    return [torch.randn(2, 3, length, 4, dtype=dtype, requires_grad=True) for length in (5, 7, 7)]


def plain(query, key, value, seed):
    """The definition, with what the same seed keeps."""
    weights = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)
    drawer = KeptOnes(DROPOUT, seed)
    kept = torch.stack([drawer.draw(head.shape, head.dtype) for head in weights.flatten(0, 1)]).view(weights.shape)
    return (weights * kept / (1 - DROPOUT)) @ value


def test_results_and_gradients_equal_the_definition():
    inputs = draw_inputs()
    torch.manual_seed(5)
    seed = KeptOnes(DROPOUT).seed
    expected = plain(*inputs, seed)
    torch.manual_seed(5)
    found = dropped_attention(*inputs, DROPOUT)
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(found)
    for ours, theirs in zip(
        torch.autograd.grad(found, inputs, direction), torch.autograd.grad(expected, inputs, direction), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_values_shared_by_the_images():
    query, key, value = draw_inputs()
    shared = value[:1].detach().requires_grad_()
    dropped_attention(query, key, shared.expand(2, -1, -1, -1), DROPOUT).sum().backward()
    assert shared.grad.shape == shared.shape


def test_weights_are_not_kept():
    kept = []
    query, key = (torch.randn(1, 2, length, 4, requires_grad=True) for length in (30, 40))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        dropped_attention(query, key, key, DROPOUT)
    assert max(kept) < 30 * 40


def test_under_autocast_it_is_float32():
    inputs = [part.bfloat16().detach().requires_grad_() for part in draw_inputs(torch.float32)]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        torch.manual_seed(5)
        found = dropped_attention(*inputs, DROPOUT)
    torch.manual_seed(5)
    torch.testing.assert_close(found, dropped_attention(*(part.float() for part in inputs), DROPOUT))
    found.sum().backward()
    assert inputs[0].grad.dtype == torch.bfloat16
