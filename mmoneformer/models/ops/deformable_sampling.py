"""Sampling of multi-scale deformable attention (Deformable DETR, arXiv 2010.04159, section 4.1)."""

import math
import os
import shutil
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from mmoneformer.mmcv_ops import are_compiled
from mmoneformer.models.ops.bag_sampling import Size, level_starts, sample_by_embedding_bag
from mmoneformer.models.ops.dispatch import runs_on

TRITON_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
TRITON_CAPABILITY = (7, 0)  # Volta; Triton compiles for no older GPU

Sample = Callable[[Tensor, list[Size], Tensor, Tensor], Tensor]


def sample(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    """Sum the weighted bilinear samples of each query.

    Shapes: B images, S tokens of L levels, G heads, P points for each head and level, C channels.

    Args:
        values: [B, S, G, C / G]; the levels one after another, each row by row.
        sizes: Height and width of each level, whose products sum up to S.
        locations: (x, y) in 0..1 of each level, [B, queries, G, L, P, 2]; samples outside are zero.
        weights: [B, queries, G, L, P].

    Returns:
        [B, queries, C].
    """
    if runs_on(values, 'cpu'):
        return sample_by_embedding_bag(values, sizes, locations, weights)
    if runs_on(values, 'cuda') and are_compiled():
        return _sample_by_mmcv(values, sizes, locations, weights)
    if runs_on(values, 'cuda') and values.dtype in TRITON_DTYPES and has_triton():
        return _sample_by_triton(values, sizes, locations, weights)
    return sample_by_grid(values, sizes, locations, weights)


def sample_by_grid(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    """``sample`` by ``grid_sample``, one level at a time, for any device."""
    batch, _, heads, channels = values.shape
    levels = values.permute(0, 2, 3, 1).flatten(0, 1).split([height * width for height, width in sizes], dim=2)
    # queries last: runtimes of exported graphs add up whole rows of them, and are slow at a few points
    grids = (2 * locations - 1).permute(0, 2, 3, 4, 1, 5).flatten(0, 1)  # [B * G, L, P, queries, 2]
    weights = weights.permute(0, 2, 3, 4, 1).flatten(0, 1)  # [B * G, L, P, queries]
    summed = values.new_zeros(batch * heads, channels, locations.shape[1])
    for index, (level, size) in enumerate(zip(levels, sizes, strict=True)):
        samples = F.grid_sample(level.unflatten(-1, size), grids[:, index], align_corners=False)
        summed = summed + (samples * weights[:, None, index]).sum(2)  # samples: [B * G, C / G, P, queries]
    return summed.unflatten(0, (batch, heads)).flatten(1, 2).mT


def sample_by_gather(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    """``sample`` by indexing the four tokens around each point, for exported graphs without ``grid_sample``."""
    batch, tokens, heads, channels = values.shape
    table = values.transpose(1, 2).flatten(0, 2)  # [B * G * S, C / G]
    first = (torch.arange(batch * heads, device=values.device) * tokens).view(batch, 1, heads, 1)  # token of each head
    summed = values.new_zeros(batch, locations.shape[1], heads, channels)
    for level, ((height, width), start) in enumerate(zip(sizes, level_starts(sizes), strict=True)):
        x, y = (locations[:, :, :, level, :, axis] * side - 0.5 for axis, side in ((0, width), (1, height)))
        left, top = x.floor(), y.floor()  # [B, queries, G, P]
        for right, lower in product((0, 1), repeat=2):
            column, row = left + right, top + lower
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            share = (1 - (x - column).abs()) * (1 - (y - row).abs()) * inside * weights[:, :, :, level]
            token = start + row.long().clamp(0, height - 1) * width + column.long().clamp(0, width - 1)
            rows = table.index_select(0, (first + token).flatten()).view(*token.shape, channels)
            summed = summed + (share[..., None] * rows).sum(-2)
    return summed.flatten(2)


def _sample_by_mmcv(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction

    shapes, starts = _level_tensors(tuple(sizes), values.device)
    im2col_step = math.gcd(len(values), 64)  # must divide the batch
    return MultiScaleDeformableAttnFunction.apply(
        values.contiguous(), shapes, starts, locations.contiguous(), weights.contiguous(), im2col_step
    )


@cache  # never dropped: CUDA graphs read them again
@torch.inference_mode(False)
def _level_tensors(sizes: tuple[Size, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Height and width of each level, int64 [L, 2], and its first token, [L]; copied to the device once."""
    return torch.tensor(sizes, device=device), torch.tensor(level_starts(sizes), device=device)


def _sample_by_triton(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    if torch.compiler.is_compiling():
        return sample_by_grid(values, sizes, locations, weights)  # torch.compile makes kernels of it
    from mmoneformer.models.ops.triton_sampling import sample_by_triton

    return sample_by_triton(values, sizes, locations, weights)


@lru_cache(maxsize=1)
def has_triton() -> bool:
    """Whether Triton is installed, with the C compiler that it calls, and compiles for each GPU of this machine."""
    if find_spec('triton') is None or not (os.environ.get('CC') or any(map(shutil.which, ('gcc', 'clang')))):
        return False
    return all(torch.cuda.get_device_capability(gpu) >= TRITON_CAPABILITY for gpu in range(torch.cuda.device_count()))
