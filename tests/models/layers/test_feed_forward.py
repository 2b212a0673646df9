import pytest
import torch

from mmoneformer.models.layers.feed_forward import MLP, FeedForward


def test_two_linear_layers_with_relu_between():
    ffn = FeedForward(4, hidden_channels=6)
    inputs = torch.randn(2, 3, 4)
    hidden = (inputs @ ffn.linear1.weight.T + ffn.linear1.bias).clamp(min=0)
    assert (hidden == 0).any()
    torch.testing.assert_close(ffn(inputs), hidden @ ffn.linear2.weight.T + ffn.linear2.bias)


def test_dropout_of_the_hidden_layer_in_training_only():
    ffn = FeedForward(4, hidden_channels=6, dropout=0.99999)
    inputs = torch.randn(2, 3, 4)
    torch.testing.assert_close(ffn(inputs), ffn.linear2.bias.expand(2, 3, 4))  # nothing is left of the hidden layer
    assert not torch.allclose(ffn.eval()(inputs), ffn.linear2.bias)


def test_initial_weights_are_xavier_uniform():
    ffn = FeedForward(32, hidden_channels=64)
    bound = (6 / (32 + 64)) ** 0.5
    for linear in (ffn.linear1, ffn.linear2):
        assert 0.95 * bound < linear.weight.abs().max() <= bound


def test_one_tensor_of_the_hidden_layer_is_kept_for_the_backward_pass():
    ffn = FeedForward(4, hidden_channels=6, dropout=0.1)
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: saved.append(tensor) or tensor, lambda tensor: tensor
    ):
        ffn(torch.randn(5, 4))
    assert len({tensor.untyped_storage().data_ptr() for tensor in saved if tensor.shape == (5, 6)}) == 1


def test_mlp_layers_are_linear_with_relu_between_and_none_after():
    torch.manual_seed(0)
    mlp = MLP(3, 5, 2, num_layers=3)
    mlp.layers[-1].bias.data -= 1  # a last ReLU would show
    assert [tuple(layer.weight.shape) for layer in mlp.layers] == [(5, 3), (5, 5), (2, 5)]
    x = torch.randn(4, 7, 3)
    expected = x
    for index, layer in enumerate(mlp.layers):
        expected = expected @ layer.weight.T + layer.bias
        if index < 2:
            expected = expected.clamp(min=0)
    torch.testing.assert_close(mlp(x), expected)
    assert expected.min() < 0


def test_mlp_of_one_layer_goes_from_input_to_output_width():
    (layer,) = MLP(3, 5, 2, num_layers=1).layers
    assert tuple(layer.weight.shape) == (2, 3)


def test_mlp_without_layers_is_refused():
    with pytest.raises(ValueError, match='num_layers=0'):
        MLP(3, 5, 2, num_layers=0)
