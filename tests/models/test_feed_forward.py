import torch

from mmoneformer.models.feed_forward import FeedForward


def test_two_linear_layers_with_relu_between():
    ffn = FeedForward(4, hidden_channels=6)
    inputs = torch.randn(2, 3, 4)
    hidden = (inputs @ ffn.linear1.weight.T + ffn.linear1.bias).clamp(min=0)
    assert (hidden == 0).any()
    torch.testing.assert_close(ffn(inputs), hidden @ ffn.linear2.weight.T + ffn.linear2.bias)


def test_dropout_is_on_the_hidden_layer_in_training_only():
    ffn = FeedForward(4, hidden_channels=6, dropout=1.0)
    inputs = torch.randn(2, 3, 4)
    torch.testing.assert_close(ffn(inputs), ffn.linear2.bias.expand(2, 3, 4))  # nothing is left of the hidden layer
    assert not torch.allclose(ffn.eval()(inputs), ffn.linear2.bias)


def test_initial_weights_are_xavier_uniform():
    ffn = FeedForward(32, hidden_channels=64)
    bound = (6 / (32 + 64)) ** 0.5
    for linear in (ffn.linear1, ffn.linear2):
        assert 0.95 * bound < linear.weight.abs().max() <= bound
