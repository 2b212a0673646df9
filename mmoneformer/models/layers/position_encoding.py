"""Sine position encoding of a grid (DETR, arXiv 2005.12872, section A.4)."""

import math

import torch
from torch import Tensor

TEMPERATURE = 10000
EPSILON = 1e-6


def sine_encoding(size: tuple[int, int], channels: int, device: torch.device) -> Tensor:
    """Encode each cell of a grid; the first half of the channels tells y, the second x.

    Args:
        size: Height and width of the grid, in cells.
        channels: C, a multiple of 4.
        device: Where to compute it.

    Returns:
        float32 [H * W, C], row by row.
    """
    height, width = size
    rows = encode_axis(height, channels // 2, device)[:, None].expand(-1, width, -1)
    columns = encode_axis(width, channels // 2, device)[None].expand(height, -1, -1)
    return torch.cat((rows, columns), dim=-1).flatten(0, 1)


def encode_axis(length: int, channels: int, device: torch.device) -> Tensor:
    """Encode the positions along one axis of a grid, float32 [length, channels]; an even number of channels."""
    position = torch.arange(1, length + 1, dtype=torch.float32, device=device)
    position = position / (length + EPSILON) * 2 * math.pi
    exponent = torch.arange(0, channels, 2, dtype=torch.float32, device=device) / channels
    angle = position[:, None] / TEMPERATURE**exponent
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)
