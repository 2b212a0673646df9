"""The attention layer of DiNAT (arXiv 2209.15001, section 3)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmoneformer.models.ops.neighborhood_attention import neighborhood_attention


class NeighborhoodAttention(nn.Module):
    """Multi-head attention of each token to its neighborhood, with a learned bias for each relative position.

    Shapes: B images, H x W tokens, C channels, K kernel size.

    Args:
        channels: C, a multiple of the number of heads.
        num_heads: Number of heads.
        kernel_size: K, tokens along an axis that a token attends to; odd.
        dilation: Distance between them.

    Raises:
        ValueError: If the channels cannot be split into the heads, or the kernel size is even.
    """

    def __init__(self, channels: int, *, num_heads: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'{channels} channels cannot be split into {num_heads} heads')
        if kernel_size % 2 == 0:
            raise ValueError(f'kernel_size must be odd, got {kernel_size}')
        self.num_heads = num_heads
        self.dilation = dilation
        self.window = kernel_size * dilation
        self.qkv = nn.Linear(channels, 3 * channels)
        self.rpb = nn.Parameter(torch.empty(num_heads, 2 * kernel_size - 1, 2 * kernel_size - 1))
        self.proj = nn.Linear(channels, channels)
        nn.init.trunc_normal_(self.rpb, std=0.02)

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention)."""
        return {'rpb'}

    def forward(self, x: Tensor) -> Tensor:
        """Attend, [B, H, W, C] to [B, H, W, C]; a map smaller than the window is padded with zeros."""
        height, width = x.shape[1:3]
        x = F.pad(x, (0, 0, 0, max(0, self.window - width), 0, max(0, self.window - height)))
        query, key, value = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).unbind(3)  # [B, H, W, heads, C / heads]
        output = neighborhood_attention(query, key, value, self.rpb, dilation=self.dilation)
        return self.proj(output[:, :height, :width].flatten(3))
