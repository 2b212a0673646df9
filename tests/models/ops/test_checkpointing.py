import pytest
import torch
from torch import nn

from mmoneformer.models.ops.checkpointing import gelu_linear, maybe_checkpoint
from mmoneformer.registry import MODELS

PARTS = [  # with stochastic depth or dropout, whose masks must be the same when a layer is computed again
    dict(
        type='SwinTransformer',
        embed_dims=8,
        depths=(1, 2, 1, 1),
        num_heads=(1, 1, 2, 2),
        window_size=3,
        drop_path_rate=0.5,
    ),
    dict(type='ConvNeXt', depths=(1, 2, 1, 1), channels=(4, 8, 12, 16), drop_path_rate=0.5),
    dict(
        type='DiNAT',
        embed_dims=8,
        num_heads=(1, 1, 2, 2),
        dilations=((1,), (1, 2), (1,), (1,)),
        kernel_size=3,
        drop_path_rate=0.5,
    ),
    dict(
        type='MSDeformAttnPixelDecoder',
        in_channels=(4, 6, 8, 10),
        channels=32,
        num_layers=2,
        feedforward_channels=8,
        dropout=0.5,
    ),
]


class Counting(nn.Linear):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


@pytest.mark.parametrize(('recompute', 'calls'), [(True, 2), (False, 1)])
def test_layers_are_computed_again_in_the_backward_pass(recompute, calls):
    layer = Counting(3, 2)
    maybe_checkpoint(layer, torch.randn(4, 3), recompute=recompute).sum().backward()
    assert layer.calls == calls


@torch.no_grad()
def test_without_gradient_once():
    layer = Counting(3, 2)
    inputs = torch.randn(4, 3)
    assert torch.equal(maybe_checkpoint(layer, inputs, recompute=True), layer(inputs))
    assert layer.calls == 2


def test_activation_is_not_kept_on_a_cpu():
    gelu, linear, saved = nn.GELU(), nn.Linear(6, 4), []
    hidden = torch.randn(5, 6, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        found = gelu_linear(hidden, gelu, linear)
    assert all(tensor.data_ptr() == hidden.data_ptr() for tensor in saved if tensor.shape == hidden.shape)
    expected = linear(gelu(hidden))
    torch.testing.assert_close(found, expected)
    for ours, plain in zip(
        *(torch.autograd.grad(y.sum(), (hidden, linear.weight)) for y in (found, expected)), strict=True
    ):
        torch.testing.assert_close(ours, plain)


def inputs_of(config):
    if config['type'] != 'MSDeformAttnPixelDecoder':
        return torch.randn(2, 3, 64, 96)
    return [torch.randn(2, width, 32 >> i, 48 >> i) for i, width in enumerate(config['in_channels'])]


def kept_and_gradients(model, inputs):
    """How many numbers autograd keeps, and the gradients of all parameters."""
    kept = []

    def keep(tensor):
        kept.append(tensor.numel())
        return tensor

    torch.manual_seed(1)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = model(inputs)
        first = outputs[0]  # the mask features of a pixel decoder, stride 4 of a backbone; the last depends on all
        last = outputs[-1][0] if isinstance(outputs[-1], list) else outputs[-1]
        loss = first.square().mean() + last.square().mean()
    loss.backward()
    return sum(kept), {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.mark.parametrize('config', PARTS, ids=lambda config: config['type'])
def test_same_gradients_from_less_memory(config):
    inputs = inputs_of(config)
    plain, recomputing = (MODELS.build(config | dict(with_cp=with_cp)) for with_cp in (False, True))
    recomputing.load_state_dict(plain.state_dict())
    kept, expected = kept_and_gradients(plain, inputs)
    kept_less, found = kept_and_gradients(recomputing, inputs)
    assert kept_less < 0.7 * kept
    assert expected.keys() == found.keys()
    for name, gradient in expected.items():
        if gradient is None:
            assert found[name] is None
        else:
            torch.testing.assert_close(found[name], gradient, msg=lambda message, name=name: f'{name}: {message}')
