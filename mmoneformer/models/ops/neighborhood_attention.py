"""Dilated neighborhood attention (arXiv 2209.15001, section 3): by NATTEN's CUDA kernels, or in plain PyTorch.

Along an axis, a token attends to the K nearest tokens of its own class: those whose index has the same remainder
modulo the dilation. At a border the window is moved inside, not cut.

The plain form splits each class into tiles of a few tokens, whose windows together are one short range of keys. Dense
attention between the two, with everything outside of a token's own window masked, wastes little and consists of large
matrix products.
"""

import math
from functools import lru_cache
from inspect import signature
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from mmoneformer.models.ops.dispatch import runs_on

TILE = 8  # tokens along an axis; smaller tiles waste less on the mask, larger ones read a key less often
MAX_SCORES = 2**25  # attention scores in memory at a time


def neighborhood_attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, *, dilation: int) -> Tensor:
    """Attend to the K x K nearest tokens of the dilation's class.

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
    attend = attend_by_natten if runs_on(query, 'cuda') and has_natten() else attend_by_tiles
    return attend(query, key, value, bias, dilation=dilation)


@lru_cache(maxsize=1)
def has_natten() -> bool:
    """Whether NATTEN is installed, in a version (0.17) whose scores take a bias."""
    try:
        from natten.functional import na2d_av, na2d_qk  # noqa: F401
    except ImportError:
        return False
    return 'rpb' in signature(na2d_qk).parameters


def attend_by_natten(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, *, dilation: int) -> Tensor:
    """``neighborhood_attention`` by the kernels of NATTEN."""
    from natten.functional import na2d_av, na2d_qk

    kernel = (bias.shape[-1] + 1) // 2
    query, key, value = (x.permute(0, 3, 1, 2, 4).contiguous() for x in (query, key, value))  # [B, heads, H, W, C]
    scores = na2d_qk(query * query.shape[-1] ** -0.5, key, kernel, dilation, rpb=bias.to(query.dtype))
    return na2d_av(scores.softmax(dim=-1).to(value.dtype), value, kernel, dilation).permute(0, 2, 3, 1, 4)


def attend_by_tiles(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, *, dilation: int) -> Tensor:
    """``neighborhood_attention`` in plain PyTorch, in bounded memory, also in training."""
    kernel = (bias.shape[-1] + 1) // 2
    batch, height, width, heads = query.shape[:4]
    if min(height, width) < kernel * dilation:
        raise ValueError(f'{height} x {width} tokens are fewer than kernel {kernel} x dilation {dilation}: pad them')
    rows = _split_axis(height, kernel, dilation, query.device)
    columns = _split_axis(width, kernel, dilation, query.device)
    bias = F.pad(bias, (0, 1, 0, 1), value=-math.inf)
    scores_per_row = batch * heads * rows.offsets[0].numel() * columns.offsets.numel()
    step = max(1, MAX_SCORES // scores_per_row)
    parts = []
    for start in range(0, len(rows.queries), step):
        tiles = slice(start, start + step)
        part = rows._replace(queries=rows.queries[tiles], keys=rows.keys[tiles], offsets=rows.offsets[tiles])
        parts.append(  # scores are computed again in the backward pass: keeping them would take most of the memory
            checkpoint(
                _attend_in_tiles, query, key, value, bias, part, columns, use_reentrant=False, preserve_rng_state=False
            )
        )
    return torch.cat(parts, dim=1).index_select(1, rows.slots).index_select(2, columns.slots)


class _Axis(NamedTuple):
    """How one axis of length L is split into T tiles of t queries, which attend to m keys.

    Attributes:
        queries: Position of each query, [T, t]; a tile that its class does not fill repeats the last one.
        keys: Position of each key, [T, m].
        offsets: Index into the bias for each query and key, [T, t, m]; 2 K - 1 if the key is not in the window.
        slots: Index of each token among the T * t queries, [L].
    """

    queries: Tensor
    keys: Tensor
    offsets: Tensor
    slots: Tensor


def _split_axis(length: int, kernel: int, dilation: int, device: torch.device) -> _Axis:
    """Split an axis, class by class; ``position`` and ``key`` below count within a class."""
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
    index = torch.arange(length, device=device)
    return _Axis(
        queries=(remainder + dilation * position).flatten(0, 1),
        keys=(remainder + dilation * key.minimum(last)).flatten(0, 1),
        offsets=offsets.where(in_window, 2 * kernel - 1).flatten(0, 1),
        slots=index % dilation * (num_tiles * tile) + index // dilation,
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
    """Gather the tokens of each tile, [B, H, W, heads, C] to [B, T * U * heads, tokens of a tile, C]."""
    x = _select(x, 1, rows, columns)  # [B, T, t, U, u, heads, C]
    return x.permute(0, 1, 3, 5, 2, 4, 6).flatten(4, 5).flatten(1, 3)


def _select(x: Tensor, dim: int, rows: Tensor, columns: Tensor) -> Tensor:
    """Index two neighboring dimensions one after the other: the backward pass of a joint index is slower."""
    x = x.index_select(dim + 1, columns.flatten()).unflatten(dim + 1, columns.shape)
    return x.index_select(dim, rows.flatten()).unflatten(dim, rows.shape)
