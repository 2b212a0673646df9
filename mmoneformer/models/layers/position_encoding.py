"""Grids: sine encoding of their cells (DETR, arXiv 2005.12872, section A.4), centers of their cells, and sizes."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

TEMPERATURE = 10000
EPSILON = 1e-6


def sine_encoding(size: tuple[int, int], channels: int, device: torch.device) -> Tensor:
    """Encode each cell of a grid: y in the first half of the channels, x in the second.

    Args:
        size: Height and width of the grid, in cells.
        channels: C, a multiple of 4.
        device: Device of the result.

    Returns:
        float32 [H * W, C], row by row.
    """
    height, width = size
    rows = encode_axis(height, channels // 2, device)[:, None].expand(-1, width, -1)
    columns = encode_axis(width, channels // 2, device)[None].expand(height, -1, -1)
    return torch.cat((rows, columns), dim=-1).flatten(0, 1)


def encode_axis(length: int, channels: int, device: torch.device) -> Tensor:
    """Encode the positions along one axis of a grid in an even number of channels, float32 [length, channels]."""
    position = torch.arange(1, length + 1, dtype=torch.float32, device=device)
    position = position / (length + EPSILON) * 2 * math.pi
    exponent = torch.arange(0, channels, 2, dtype=torch.float32, device=device) / channels
    angle = position[:, None] / TEMPERATURE**exponent
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)


def level_scale(sizes: Sequence[tuple[int, int]], device: torch.device) -> Tensor:
    """(width, height) of each of L grids, float32 [L, 2]; filled on the device, as copying waits for a GPU."""
    sides = [side for height, width in sizes for side in (width, height)]
    filled = [torch.full((), side, dtype=torch.float32, device=device) for side in sides]
    return torch.stack(filled).unflatten(0, (-1, 2))


def cell_centers(size: tuple[int, int], device: torch.device) -> Tensor:
    """Coordinates (x, y) of each cell's center, where the grid spans 0..1; float32 [H * W, 2], row by row."""
    height, width = size
    y = (torch.arange(height, dtype=torch.float32, device=device) + 0.5) / height
    x = (torch.arange(width, dtype=torch.float32, device=device) + 0.5) / width
    return torch.stack((x.expand(height, -1), y[:, None].expand(-1, width)), dim=-1).flatten(0, 1)
