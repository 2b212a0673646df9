"""Multi-scale deformable attention (Deformable DETR, arXiv 2010.04159, section 4.1)."""

import math

import torch
from torch import Tensor, nn

from mmoneformer.models.ops.bag_sampling import Size
from mmoneformer.models.ops.deformable_sampling import Sample, sample


class DeformableAttention(nn.Module):
    """Attention of each query to a few learned points around its reference point, in each level.

    Shapes: B images, L levels, S tokens of all levels together, G heads, P points, C channels.

    Args:
        channels: C, divisible by the number of heads.
        num_heads: G.
        num_levels: L.
        num_points: P, per head and level.

    Attributes:
        sample: Form of the sampling; an exported graph may have another one.
    """

    sample: Sample

    def __init__(self, channels: int, *, num_heads: int = 8, num_levels: int = 3, num_points: int = 4) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.sample = sample
        self.points_shape = (num_heads, num_levels, num_points)
        points = num_heads * num_levels * num_points
        self.sampling_offsets = nn.Linear(channels, points * 2)
        self.attention_weights = nn.Linear(channels, points)
        self.value_proj = nn.Linear(channels, channels)
        self.output_proj = nn.Linear(channels, channels)
        self._init_weights()

    def _init_weights(self) -> None:
        """Initialize the offsets: each head looks in its own direction, at points 1, 2, ..., P tokens away."""
        heads, levels, points = self.points_shape
        angle = torch.arange(heads) * (2 * math.pi / heads)
        direction = torch.stack((angle.cos(), angle.sin()), dim=-1)
        direction = direction / direction.abs().amax(dim=-1, keepdim=True)
        offsets = direction[:, None, None] * torch.arange(1, points + 1)[:, None]
        nn.init.zeros_(self.sampling_offsets.weight)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(offsets.expand(-1, levels, -1, -1).flatten())
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)
        for linear in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, query: Tensor, value: Tensor, reference: Tensor, sizes: list[Size], scale: Tensor) -> Tensor:
        """Attend from each token to all levels.

        Args:
            query: [B, S, C].
            value: Features that are sampled, [B, S, C]; the levels one after another, each row by row.
            reference: Reference point (x, y) of each query, in 0..1, [S, 2].
            sizes: Height and width of each level.
            scale: The same as (width, height), see ``level_scale``; [L, 2].

        Returns:
            [B, S, C].
        """
        heads, levels, points = self.points_shape
        values = self.value_proj(value).unflatten(-1, (heads, -1))  # [B, S, G, C / G]
        offsets = self.sampling_offsets(query).unflatten(-1, (heads, levels, points, 2))
        scale = scale[:, None].expand(offsets.shape[2:]).contiguous()  # broadcasting an axis of two numbers is slow
        reference = reference[:, None, None, None].expand(offsets.shape[1:])  # once in an exported graph
        locations = reference + offsets / scale  # [B, S, G, L, P, 2]
        weights = self.attention_weights(query).unflatten(-1, (heads, levels * points)).softmax(-1)
        weights = weights.unflatten(-1, (levels, points))  # [B, S, G, L, P]
        return self.output_proj(self.sample(values, sizes, locations, weights))
