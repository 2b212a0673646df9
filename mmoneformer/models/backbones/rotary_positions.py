"""Rotary position embeddings of DINOv3 (arXiv 2508.10104) for images of any size, in a form that can be exported."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class RotaryPositions(nn.Module):
    """Stands in for timm's embedding, which is computed on the CPU, and fixes the size of an exported graph.

    Shapes: h x w patches, D channels of a head.

    Args:
        periods: Wavelengths, [D/4], as in timm.
    """

    periods: Tensor

    def __init__(self, periods: Tensor) -> None:
        super().__init__()
        self.register_buffer('periods', periods, persistent=False)

    def get_embed(self, shape: Sequence[int]) -> Tensor:
        """Compute sines and cosines of the positions, [h * w, 2 * D]; the name is timm's.

        Args:
            shape: h and w.
        """
        axes = [(torch.arange(count, device=self.periods.device) + 0.5) / count for count in shape]
        centers = torch.stack(torch.meshgrid(*axes, indexing='ij'), dim=-1).flatten(0, 1)  # [h * w, 2], in 0..1
        angles = 2 * math.pi * (2 * centers - 1)[:, :, None] / self.periods  # [h * w, 2, D/4]
        halves = torch.cat([angles.flatten(1)] * 2, dim=-1)  # [h * w, D]
        return torch.cat((halves.sin(), halves.cos()), dim=-1)


def use_rotary_positions(net: Any) -> None:
    """Replace timm's embedding in a vision transformer, if it is that of DINOv3."""
    rope: Any = getattr(net, 'rope', None)
    settings = dict(
        rotate_half=True, normalize_coords='separate', grid_indexing='ij', grid_offset=0.0, aug_active=False
    )
    if type(rope).__name__ == 'RotaryEmbeddingDinoV3' and settings.items() <= vars(rope).items():
        net.rope = RotaryPositions(rope.periods)
