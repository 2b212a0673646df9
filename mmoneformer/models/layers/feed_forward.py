"""Feed-forward networks: that of a transformer layer, and the multi-layer perceptron of DETR's heads."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from mmoneformer.models.ops.dropout import check_probability, relu_dropout


class FeedForward(nn.Module):
    """Two linear layers with a ReLU between (arXiv 1706.03762, section 3.3); [..., C] -> [..., C].

    Args:
        channels: C.
        hidden_channels: Channels between the layers.
        dropout: Probability that an element of the hidden layer is zeroed in training, in [0, 1).
    """

    def __init__(self, channels: int, *, hidden_channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, hidden_channels)
        self.linear2 = nn.Linear(hidden_channels, channels)
        self.dropout = check_probability(dropout)
        nn.init.xavier_uniform_(self.linear1.weight)
        nn.init.xavier_uniform_(self.linear2.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """Transform each token by itself."""
        hidden = self.linear1(inputs.flatten(0, -2))  # 2D: autograd would copy a view that is overwritten
        hidden = relu_dropout(hidden, self.dropout) if self.training and self.dropout else F.relu(hidden, inplace=True)
        return self.linear2(hidden).view(inputs.shape)


class MLP(nn.Module):
    """Linear layers with ReLU between them.

    Args:
        in_channels: Channels of the input.
        hidden_channels: Channels between the layers.
        out_channels: Channels of the output.
        num_layers: Number of linear layers, at least 1.

    Raises:
        ValueError: If ``num_layers`` is less than 1.
    """

    def __init__(self, in_channels: int, hidden_channels: int, out_channels: int, num_layers: int) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f'num_layers must be at least 1, got num_layers={num_layers}')
        widths = [in_channels, *[hidden_channels] * (num_layers - 1), out_channels]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., in_channels] to [..., out_channels]."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)
