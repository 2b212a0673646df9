"""Multi-scale deformable attention (Deformable DETR, arXiv 2010.04159, section 4.1), without a compiler."""

import math
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmoneformer.mmcv_ops import are_compiled
from mmoneformer.models.ops.bag_sampling import Size, sample_by_embedding_bag


class DeformableAttention(nn.Module):
    """Each query reads a few learned points around its place in each level.

    Shapes: B images, L levels, S cells of all levels together, G heads, P points, C width.

    Args:
        channels: C, divisible by the number of heads.
        num_heads: G.
        num_levels: L.
        num_points: P, per head and level.
    """

    def __init__(self, channels: int, *, num_heads: int = 8, num_levels: int = 3, num_points: int = 4) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.points_shape = (num_heads, num_levels, num_points)
        points = num_heads * num_levels * num_points
        self.sampling_offsets = nn.Linear(channels, points * 2)
        self.attention_weights = nn.Linear(channels, points)
        self.value_proj = nn.Linear(channels, channels)
        self.output_proj = nn.Linear(channels, channels)
        self._init_weights()

    def _init_weights(self) -> None:
        """Start with each head looking its own way, the points one, two, ... cells off."""
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

    def forward(self, query: Tensor, value: Tensor, reference: Tensor, sizes: list[Size]) -> Tensor:
        """Attend from each cell to all levels.

        Args:
            query: [B, S, C].
            value: What the points read, [B, S, C], the levels one after another, each row by row.
            reference: (x, y) in 0..1 of each query, [S, 2].
            sizes: Height and width of each level.

        Returns:
            [B, S, C].
        """
        heads, levels, points = self.points_shape
        values = self.value_proj(value).unflatten(-1, (heads, -1))  # [B, S, G, C / G]
        offsets = self.sampling_offsets(query).unflatten(-1, (heads, levels, points, 2))
        scale = offsets.new_tensor([(width, height) for height, width in sizes])[:, None]
        scale = scale.expand(offsets.shape[2:]).contiguous()  # a broadcast axis of two numbers is slow
        locations = reference[:, None, None, None] + offsets / scale  # [B, S, G, L, P, 2]
        weights = self.attention_weights(query).unflatten(-1, (heads, levels * points)).softmax(-1)
        weights = weights.unflatten(-1, (levels, points))  # [B, S, G, L, P]
        return self.output_proj(sample(values, sizes, locations, weights))


def sample(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    """Sum the weighted bilinear samples of each query, by the fastest way that the device offers.

    Args:
        values: [B, S, G, C / G].
        sizes: Height and width of each level, whose products sum up to S.
        locations: (x, y) in 0..1 of each level, [B, queries, G, L, P, 2]; zeros are read outside.
        weights: [B, queries, G, L, P].

    Returns:
        [B, queries, C].
    """
    if values.is_cuda and are_compiled():
        return _sample_by_mmcv(values, sizes, locations, weights)
    if values.is_cuda:
        return sample_by_grid(values, sizes, locations, weights)
    return sample_by_embedding_bag(values, sizes, locations, weights)


def sample_by_grid(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    """The plain form: ``grid_sample`` of each level. Arguments as of ``sample``."""
    levels = values.transpose(1, 2).flatten(0, 1).split([height * width for height, width in sizes], dim=1)
    grids = (2 * locations - 1).transpose(1, 2).flatten(0, 1)  # [B * G, queries, L, P, 2]
    weights = weights.transpose(1, 2).flatten(0, 1)  # [B * G, queries, L, P]
    batch, _, heads, channels = values.shape
    summed = values.new_zeros(batch * heads, channels, locations.shape[1])
    for index, (level, size) in enumerate(zip(levels, sizes, strict=True)):
        samples = F.grid_sample(level.mT.unflatten(-1, size), grids[:, :, index], align_corners=False)
        summed = summed + (samples * weights[:, None, :, index]).sum(-1)  # samples: [B * G, C / G, queries, P]
    return summed.unflatten(0, (batch, heads)).flatten(1, 2).mT


def _level_starts(sizes: list[Size]) -> list[int]:
    """Index of each level's first cell."""
    return list(accumulate((height * width for height, width in sizes[:-1]), initial=0))


def _sample_by_mmcv(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction

    shapes = torch.tensor(sizes, device=values.device)
    starts = torch.tensor(_level_starts(sizes), device=values.device)
    im2col_step = math.gcd(len(values), 64)  # must divide the batch
    return MultiScaleDeformableAttnFunction.apply(
        values.contiguous(), shapes, starts, locations.contiguous(), weights.contiguous(), im2col_step
    )
