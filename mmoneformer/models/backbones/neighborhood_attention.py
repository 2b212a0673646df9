"""Dilated neighborhood attention (arXiv 2209.15001, section 3) in plain PyTorch, for any device.

Along an axis, a pixel attends to the K nearest pixels of its own class; the pixels whose index leaves the same
remainder by the dilation are a class. At a border the window is moved inside, not cut. Each class is split into tiles
of a few pixels, whose windows together are one short range of keys: dense attention between the two, with everything
outside of a pixel's own window masked, wastes little and is made of large matrix products.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from mmoneformer.models.ops.natten_kernels import has_natten, natten_attention

TILE = 8  # pixels along an axis; fewer waste less on the mask, more read a key less often
MAX_SCORES = 2**25  # attention scores in memory at a time


class NeighborhoodAttention(nn.Module):
    """Multi-head attention of each pixel to its neighborhood, with a learned bias for each relative position.

    Shapes: B images, H x W pixels, C width, K kernel size.

    Args:
        channels: C, a multiple of the number of heads.
        num_heads: Number of heads.
        kernel_size: K, pixels along an axis that a pixel attends to; odd.
        dilation: Distance between them.

    Raises:
        ValueError: If the heads do not divide the width, or the kernel size is even.
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

    def forward(self, x: Tensor) -> Tensor:
        """Attend, [B, H, W, C] to [B, H, W, C]; an image smaller than the window is padded with zeros to its size."""
        height, width = x.shape[1:3]
        x = F.pad(x, (0, 0, 0, max(0, self.window - width), 0, max(0, self.window - height)))
        query, key, value = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).unbind(3)  # [B, H, W, heads, C / heads]
        attend = natten_attention if x.is_cuda and has_natten() else neighborhood_attention
        output = attend(query, key, value, self.rpb, dilation=self.dilation)
        return self.proj(output[:, :height, :width].flatten(3))


class _Axis(NamedTuple):
    """How one axis of length L is split into T tiles of t queries, which see m keys.

    Attributes:
        queries: Pixel of each query, [T, t]; a tile that its class does not fill repeats the last one.
        keys: Pixel of each key, [T, m].
        offsets: Index into the bias for each query and key, [T, t, m]; 2 K - 1 if the key is not in the window.
        slots: Where each pixel is among the T * t queries, [L].
    """

    queries: Tensor
    keys: Tensor
    offsets: Tensor
    slots: Tensor


def neighborhood_attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, *, dilation: int) -> Tensor:
    """Attend to the K x K nearest pixels of the dilation's class, in memory that is bounded also in training.

    Args:
        query: [B, H, W, heads, C].
        key: [B, H, W, heads, C].
        value: [B, H, W, heads, C].
        bias: Added to the scores, [heads, 2 K - 1, 2 K - 1]; the index along an axis is key - query + K - 1, counted
            in steps of the dilation.
        dilation: Distance between neighbors.

    Returns:
        [B, H, W, heads, C].

    Raises:
        ValueError: If a side is shorter than K x dilation.
    """
    kernel = (bias.shape[-1] + 1) // 2
    batch, height, width, heads = query.shape[:4]
    if min(height, width) < kernel * dilation:
        raise ValueError(f'{height} x {width} pixels are less than kernel {kernel} x dilation {dilation}: pad them')
    rows = _split_axis(height, kernel, dilation, query.device)
    columns = _split_axis(width, kernel, dilation, query.device)
    bias = F.pad(bias, (0, 1, 0, 1), value=-math.inf)
    scores_per_row = batch * heads * rows.offsets[0].numel() * columns.offsets.numel()
    step = max(1, MAX_SCORES // scores_per_row)
    parts = []
    for start in range(0, len(rows.queries), step):
        tiles = slice(start, start + step)
        part = rows._replace(queries=rows.queries[tiles], keys=rows.keys[tiles], offsets=rows.offsets[tiles])
        parts.append(  # scores are computed again for the gradient: kept for all blocks, they take most of the memory
            checkpoint(
                _attend_in_tiles, query, key, value, bias, part, columns, use_reentrant=False, preserve_rng_state=False
            )
        )
    return torch.cat(parts, dim=1).index_select(1, rows.slots).index_select(2, columns.slots)


def _split_axis(length: int, kernel: int, dilation: int, device: torch.device) -> _Axis:
    """Split an axis, class by class; below, positions count the pixels of a class."""
    per_class = math.ceil(length / dilation)
    num_tiles = math.ceil(per_class / TILE)
    tile = math.ceil(per_class / num_tiles)
    remainder = torch.arange(dilation, device=device)[:, None, None]
    last = (length - 1 - remainder) // dilation
    position = torch.arange(num_tiles * tile, device=device).view(1, num_tiles, tile).minimum(last)
    start = (position - kernel // 2).clamp(min=0).minimum(last - kernel + 1)  # of the window of each query
    key = start[..., :1] + torch.arange(min(tile + kernel - 1, per_class), device=device)
    from_start = key[..., None, :] - start[..., None]
    in_window = (from_start >= 0) & (from_start < kernel)
    offsets = key[..., None, :] - position[..., None] + kernel - 1
    pixel = torch.arange(length, device=device)
    return _Axis(
        queries=(remainder + dilation * position).flatten(0, 1),
        keys=(remainder + dilation * key.minimum(last)).flatten(0, 1),
        offsets=offsets.where(in_window, 2 * kernel - 1).flatten(0, 1),
        slots=pixel % dilation * (num_tiles * tile) + pixel // dilation,
    )


def _attend_in_tiles(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, rows: _Axis, columns: _Axis) -> Tensor:
    """Attend within T x U tiles of t x u queries and m x n keys, to [B, T * t, U * u, heads, C]."""
    tiles = (len(rows.queries), len(columns.queries))
    heads = query.shape[3]
    mask = _select(bias, 1, rows.offsets, columns.offsets)  # [heads, T, t, m, U, u, n]
    mask = mask.permute(1, 4, 0, 2, 5, 3, 6).flatten(5).flatten(3, 4).flatten(0, 2)  # [T * U * heads, t * u, m * n]
    output = F.scaled_dot_product_attention(
        _cut_tiles(query, rows.queries, columns.queries),
        _cut_tiles(key, rows.keys, columns.keys),
        _cut_tiles(value, rows.keys, columns.keys),
        attn_mask=mask[None],
    )  # [B, T * U * heads, t * u, C]
    output = output.unflatten(2, (-1, columns.queries.shape[1])).unflatten(1, (*tiles, heads))
    return output.permute(0, 1, 4, 2, 5, 3, 6).flatten(3, 4).flatten(1, 2)


def _cut_tiles(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Gather the pixels of each tile, [B, H, W, heads, C] to [B, T * U * heads, pixels of a tile, C]."""
    x = _select(x, 1, rows, columns)  # [B, T, t, U, u, heads, C]
    return x.permute(0, 1, 3, 5, 2, 4, 6).flatten(4, 5).flatten(1, 3)


def _select(x: Tensor, dim: int, rows: Tensor, columns: Tensor) -> Tensor:
    """Index two neighboring dimensions one after the other: the gradient of a joint index is slower."""
    x = x.index_select(dim + 1, columns.flatten()).unflatten(dim + 1, columns.shape)
    return x.index_select(dim, rows.flatten()).unflatten(dim, rows.shape)
