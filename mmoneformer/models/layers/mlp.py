"""Multi-layer perceptron, as DETR's heads use it."""

from itertools import pairwise

from torch import Tensor, nn


class MLP(nn.Module):
    """Linear layers with ReLU between them.

    Args:
        in_channels: Width of the input.
        hidden_channels: Width between the layers.
        out_channels: Width of the output.
        num_layers: Number of linear layers, 1 or more.

    Raises:
        ValueError: If there is no layer.
    """

    def __init__(self, in_channels: int, hidden_channels: int, out_channels: int, num_layers: int) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f'an MLP has 1 layer or more, got num_layers={num_layers}')
        widths = [in_channels, *[hidden_channels] * (num_layers - 1), out_channels]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., in_channels] to [..., out_channels]."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)
