"""Multi-head attention with its projections apart, so that keys and values are projected once for many queries."""

import torch.nn.functional as F
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention over H heads (arXiv 1706.03762, section 3.2.2).

    Shapes: B images, L queries, S keys, C width.

    Args:
        channels: C, divisible by the number of heads.
        num_heads: H.
        dropout: Probability that an attention weight is dropped in training.
    """

    def __init__(self, channels: int, *, num_heads: int = 8, dropout: float = 0.0) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'{channels} channels cannot be split into {num_heads} heads')
        self.num_heads = num_heads
        self.dropout = dropout
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
            value: [B, S, C]; with batch 1, the same values for all images.
            mask: bool [B, L, S], true where a query may look; the heads share it.

        Returns:
            [B, L, C].
        """
        heads = F.scaled_dot_product_attention(
            self._project(query, 0),
            self._project(key, 1),
            self._project(value, 2).expand(len(key), -1, -1, -1),
            attn_mask=None if mask is None else mask[:, None],
            dropout_p=self.dropout if self.training else 0.0,
        )  # [B, H, L, C / H]
        return self.out_proj(heads.transpose(1, 2).flatten(2))

    def _project(self, inputs: Tensor, part: int) -> Tensor:
        """Apply one third of the input projection: [B, L, C] -> [B, H, L, C / H]."""
        weight, bias = self.in_proj.weight.chunk(3)[part], self.in_proj.bias.chunk(3)[part]
        return F.linear(inputs, weight, bias).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
