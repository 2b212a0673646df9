"""The feed-forward network of a transformer layer."""

import torch.nn.functional as F
from torch import Tensor, nn


class FeedForward(nn.Module):
    """Two linear layers with a ReLU between (arXiv 1706.03762, section 3.3); [..., C] -> [..., C]."""

    def __init__(self, channels: int, *, hidden_channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, hidden_channels)
        self.linear2 = nn.Linear(hidden_channels, channels)
        self.dropout = nn.Dropout(dropout)
        nn.init.xavier_uniform_(self.linear1.weight)
        nn.init.xavier_uniform_(self.linear2.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """Transform each position by itself."""
        return self.linear2(self.dropout(F.relu(self.linear1(inputs))))
