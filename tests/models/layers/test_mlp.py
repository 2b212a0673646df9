import pytest
import torch

import mmoneformer  # noqa: F401
from mmoneformer.models.layers.mlp import MLP


def test_layers_are_linear_with_relu_between_and_none_after():
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


def test_one_layer_goes_from_input_to_output_width():
    (layer,) = MLP(3, 5, 2, num_layers=1).layers
    assert tuple(layer.weight.shape) == (2, 3)


def test_no_layer_is_refused():
    with pytest.raises(ValueError, match='num_layers=0'):
        MLP(3, 5, 2, num_layers=0)
