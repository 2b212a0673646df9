"""Multi-head attention with its projections apart, so that keys and values are projected once for many queries."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmoneformer.models.layers.dropout import check_probability
from mmoneformer.models.ops.dropped_attention import dropped_attention


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention over several heads (arXiv 1706.03762, section 3.2.2).

    Shapes: B images, L queries, S keys, C width.

    Args:
        channels: C, divisible by the number of heads.
        num_heads: Number of heads.
        dropout: Probability that an attention weight is dropped in training.
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
        """Let each query gather the values whose keys it matches.

        Args:
            query: [B, L, C].
            key: [B, S, C].
            value: [B, S, C].
            mask: bool [B, L, S], true where a query may look; the heads share it.

        Returns:
            [B, L, C].
        """
        return self._attend(query, key, F.linear(value, *self._projection(2)), mask)

    def attend_to_grid(self, query: Tensor, key: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Gather the encodings of a grid's cells, each that of its row followed by that of its column.

        A linear map of such a pair is the sum of two, so that rows and columns are projected instead of cells.

        Args:
            query: [B, L, C].
            key: [B, H * W, C].
            rows: [H, C / 2].
            columns: [W, C / 2].

        Returns:
            [B, L, C].
        """
        weight, bias = self._projection(2)
        of_row, of_column = weight.chunk(2, dim=1)
        values = F.linear(rows, of_row, bias)[:, None] + F.linear(columns, of_column)  # [H, W, C]
        return self._attend(query, key, values.flatten(0, 1)[None], None)

    def _attend(self, query: Tensor, key: Tensor, projected_value: Tensor, mask: Tensor | None) -> Tensor:
        dropout = self.dropout if self.training else 0.0
        query, key = F.linear(query, *self._projection(0)), F.linear(key, *self._projection(1))
        if dropout and mask is None and not query.is_cuda:
            return self.out_proj(dropped_attention(query, key, projected_value, self.num_heads, dropout))
        parts = (query, key, projected_value.expand(len(key), -1, -1))
        query, key, value = map(self._split_heads, parts)
        heads_mask = None if mask is None else mask[:, None]
        heads = F.scaled_dot_product_attention(query, key, value, heads_mask, dropout)
        return self.out_proj(heads.transpose(1, 2).flatten(2))  # heads: [B, heads, L, C / heads]

    def _projection(self, part: int) -> tuple[Tensor, Tensor]:
        """Weight [C, C] and bias [C] of queries (0), keys (1) or values (2)."""
        return self.in_proj.weight.chunk(3)[part], self.in_proj.bias.chunk(3)[part]

    def _split_heads(self, inputs: Tensor) -> Tensor:
        """[B, L, C] -> [B, heads, L, C / heads]."""
        return inputs.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
