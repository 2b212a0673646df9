"""Multi-head attention (arXiv 1706.03762, section 3.2.2)."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmoneformer.models.ops.attention import attention
from mmoneformer.models.ops.dropout import check_probability


class MultiHeadAttention(nn.Module):
    """Multi-head attention, as ``torch.nn.MultiheadAttention`` with batches first.

    Shapes: B images, L queries, S keys, C channels.

    Args:
        channels: C, divisible by the number of heads.
        num_heads: Number of heads.
        dropout: Probability that an attention weight is zeroed in training, in [0, 1).

    Raises:
        ValueError: If the channels cannot be split into the heads, or the probability is out of range.
    """

    def __init__(self, channels: int, *, num_heads: int = 8, dropout: float = 0.0) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'{channels} channels cannot be split into {num_heads} heads')
        self.num_heads = num_heads
        self.dropout = check_probability(dropout)
        self.in_proj = nn.Linear(channels, 3 * channels)
        self.out_proj = nn.Linear(channels, channels)
        nn.init.xavier_uniform_(self.in_proj.weight)
        nn.init.xavier_uniform_(self.out_proj.weight)
        nn.init.zeros_(self.in_proj.bias)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend to the values.

        Args:
            query: [B, L, C].
            key: [B, S, C].
            value: [B, S, C].
            mask: bool [B, L, S], true where a query may attend; the heads share it.

        Returns:
            [B, L, C].
        """
        return self._attend(query, key, F.linear(value, *self._projection(2)), mask)

    def attend_to_grid(self, query: Tensor, key: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Attend to a grid whose values are pairs: an encoding of the row, then one of the column.

        The projection of such a pair is a sum of two terms, so H + W encodings are projected instead of H * W.

        Args:
            query: [B, L, C].
            key: [B, H * W, C].
            rows: [H, C / 2].
            columns: [W, C / 2].

        Returns:
            [B, L, C].
        """
        weight, bias = self._projection(2)
        row_weight, column_weight = weight.chunk(2, dim=1)
        values = F.linear(rows, row_weight, bias)[:, None] + F.linear(columns, column_weight)  # [H, W, C]
        return self._attend(query, key, values.flatten(0, 1)[None], None)

    def _attend(self, query: Tensor, key: Tensor, projected_value: Tensor, mask: Tensor | None) -> Tensor:
        dropout = self.dropout if self.training else 0.0
        query, key = F.linear(query, *self._projection(0)), F.linear(key, *self._projection(1))
        return self.out_proj(
            attention(query, key, projected_value, num_heads=self.num_heads, mask=mask, dropout=dropout)
        )

    def _projection(self, part: int) -> tuple[Tensor, Tensor]:
        """Weight [C, C] and bias [C] of queries (0), keys (1) or values (2)."""
        return self.in_proj.weight.chunk(3)[part], self.in_proj.bias.chunk(3)[part]
