import torch
import torch.nn.functional as F

from mmoneformer.models.layers.dropout import Dropout
from mmoneformer.models.layers.feed_forward import FeedForward, relu_dropout_


def test_two_linear_layers_with_relu_between():
    ffn = FeedForward(4, hidden_channels=6)
    inputs = torch.randn(2, 3, 4)
    hidden = (inputs @ ffn.linear1.weight.T + ffn.linear1.bias).clamp(min=0)
    assert (hidden == 0).any()
    torch.testing.assert_close(ffn(inputs), hidden @ ffn.linear2.weight.T + ffn.linear2.bias)


def test_dropout_is_on_the_hidden_layer_in_training_only():
    ffn = FeedForward(4, hidden_channels=6, dropout=0.99999)
    inputs = torch.randn(2, 3, 4)
    torch.testing.assert_close(ffn(inputs), ffn.linear2.bias.expand(2, 3, 4))  # nothing is left of the hidden layer
    assert not torch.allclose(ffn.eval()(inputs), ffn.linear2.bias)


def test_initial_weights_are_xavier_uniform():
    ffn = FeedForward(32, hidden_channels=64)
    bound = (6 / (32 + 64)) ** 0.5
    for linear in (ffn.linear1, ffn.linear2):
        assert 0.95 * bound < linear.weight.abs().max() <= bound


def test_fused_relu_and_dropout_equal_the_two():
    results = []
    for function in (lambda hidden: relu_dropout_(hidden + 0, 0.3), lambda hidden: Dropout(0.3)(F.relu(hidden))):
        inputs = torch.linspace(-2, 3, 60).reshape(4, 15).requires_grad_()
        torch.manual_seed(0)
        outputs = function(inputs)
        (outputs**2).sum().backward()
        results.append((outputs.detach(), inputs.grad))
    for ours, plain in zip(*results, strict=True):
        torch.testing.assert_close(ours, plain)
    assert (results[0][1] == 0).any()
    assert (results[0][1] != 0).any()


def test_keeps_one_tensor_of_the_hidden_layer_for_the_gradient():
    ffn = FeedForward(4, hidden_channels=6, dropout=0.1)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        ffn(torch.randn(5, 4))
    assert len({tensor.untyped_storage().data_ptr() for tensor in kept if tensor.shape == (5, 6)}) == 1
