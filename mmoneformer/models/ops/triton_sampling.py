"""Deformable sampling on CUDA with Triton: one kernel for all levels, heads and points, forward and backward.

A program takes a block of queries of one head of one image, and sums in float32. The plain form writes the samples of
each point to memory and reads them again; here they stay in registers.
"""

from functools import cache
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from mmoneformer.models.ops.bag_sampling import Size, level_starts

BLOCK, WARPS = 16, 2  # queries and warps of a program


def sample_by_triton(values: Tensor, sizes: list[Size], locations: Tensor, weights: Tensor) -> Tensor:
    """``deformable_sampling.sample`` for CUDA, in float32, float16 or bfloat16; same arguments and result."""
    return _TritonSampling.apply(values, locations, weights, tuple(sizes))


class _TritonSampling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, locations: Tensor, weights: Tensor, sizes: tuple[Size, ...]) -> Tensor:
        values, locations, weights = inputs = tuple(x.contiguous() for x in (values, locations, weights))
        ctx.save_for_backward(*inputs)
        ctx.sizes = sizes
        outputs = values.new_empty(*weights.shape[:3], values.shape[-1])
        _launch(_sample, inputs, (outputs,), sizes)
        return outputs.flatten(2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        values, locations, weights = inputs = ctx.saved_tensors
        grad_values = torch.zeros_like(values, dtype=torch.float32)  # many queries add to a token
        grads = (grad_values, torch.empty_like(locations), torch.empty_like(weights))
        _launch(_sample_backward, inputs, (grad_outputs.contiguous(), *grads), ctx.sizes)
        return grad_values.to(values.dtype), *grads[1:], None


def _launch(kernel: Any, inputs: tuple[Tensor, ...], others: tuple[Tensor, ...], sizes: tuple[Size, ...]) -> None:
    """Run a kernel on all queries; ``others`` are its arguments after the inputs and the levels."""
    values, _, weights = inputs
    batch, queries, heads, levels, points = weights.shape
    channels = values.shape[-1]
    with torch.cuda.device_of(values):  # Triton starts kernels on the current device
        kernel[(triton.cdiv(queries, BLOCK), batch * heads)](
            *inputs,
            _level_table(sizes, values.device),
            *others,
            values.shape[1],
            queries,
            HEADS=heads,
            LEVELS=levels,
            POINTS=points,
            CHANNELS=channels,
            CHANNELS_BLOCK=triton.next_power_of_2(channels),
            BLOCK=BLOCK,
            num_warps=WARPS,
        )


@cache  # never dropped: CUDA graphs read it again
def _level_table(sizes: tuple[Size, ...], device: torch.device) -> Tensor:
    """Height, width and index of the first token of each level, int32 [L, 3]; copied to the device once."""
    rows = [(*size, start) for size, start in zip(sizes, level_starts(sizes), strict=True)]
    return torch.tensor(rows, dtype=torch.int32, device=device)


@triton.jit
def _read_program(num_tokens, num_queries, HEADS, CHANNELS, CHANNELS_BLOCK: tl.constexpr, BLOCK: tl.constexpr):
    """What a program works on: the offset of its head's values, its queries' indices in [B, N, G], channels, masks."""
    image = (tl.program_id(1) // HEADS).to(tl.int64)
    head = tl.program_id(1) % HEADS
    query = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    channel = tl.arange(0, CHANNELS_BLOCK)
    is_query = query < num_queries
    slot = (image * num_queries + query) * HEADS + head
    offset = (image * num_tokens * HEADS + head) * CHANNELS
    return offset, slot, channel, is_query, is_query[:, None] & (channel < CHANNELS)[None, :]


@triton.jit
def _locate(locations, levels, point, level, is_query):
    """Position of a point of each query in its level: upper left neighbor, shares of the next ones, and the level."""
    height, width = tl.load(levels + level * 3), tl.load(levels + level * 3 + 1)
    x = tl.load(locations + point * 2, is_query, other=0.0).to(tl.float32) * width - 0.5
    y = tl.load(locations + point * 2 + 1, is_query, other=0.0).to(tl.float32) * height - 0.5
    left, top = tl.floor(x), tl.floor(y)
    return left.to(tl.int32), top.to(tl.int32), x - left, y - top, height, width, tl.load(levels + level * 3 + 2)


@triton.jit
def _corner(column, row, height, width, start, channel, mask, stride):
    """Offsets of one token for each query, [BLOCK, C], and a mask of those inside of the level."""
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    token = (start + row * width + column).to(tl.int64) * stride
    return token[:, None] + channel[None, :], mask & inside[:, None]


@triton.jit
def _sample(
    values,  # [B, S, G, C]
    locations,  # [B, N, G, L, P, 2]
    weights,  # [B, N, G, L, P]
    levels,  # [L, 3]
    outputs,  # [B, N, G, C]
    num_tokens,  # S
    num_queries,  # N
    HEADS: tl.constexpr,
    LEVELS: tl.constexpr,
    POINTS: tl.constexpr,
    CHANNELS: tl.constexpr,
    CHANNELS_BLOCK: tl.constexpr,
    BLOCK: tl.constexpr,
):
    offset, slot, channel, is_query, mask = _read_program(
        num_tokens, num_queries, HEADS, CHANNELS, CHANNELS_BLOCK, BLOCK
    )
    sums = tl.zeros((BLOCK, CHANNELS_BLOCK), tl.float32)
    for index in range(LEVELS * POINTS):
        point = slot * (LEVELS * POINTS) + index
        column, row, x_share, y_share, height, width, start = _locate(
            locations, levels, point, index // POINTS, is_query
        )
        weight = tl.load(weights + point, is_query, other=0.0).to(tl.float32)
        for corner in tl.static_range(4):
            right, lower = corner % 2, corner // 2
            tokens, inside = _corner(
                column + right, row + lower, height, width, start, channel, mask, HEADS * CHANNELS
            )
            value = tl.load(values + offset + tokens, inside, other=0.0).to(tl.float32)
            share = (x_share if right else 1 - x_share) * (y_share if lower else 1 - y_share)
            sums += value * (weight * share)[:, None]
    rows = slot[:, None] * CHANNELS + channel[None, :]
    tl.store(outputs + rows, sums.to(outputs.dtype.element_ty), mask)


@triton.jit
def _sample_backward(
    values,
    locations,
    weights,
    levels,
    grad_outputs,  # [B, N, G, C]
    grad_values,  # of the shapes of the inputs; grad_values is float32
    grad_locations,
    grad_weights,
    num_tokens,
    num_queries,
    HEADS: tl.constexpr,
    LEVELS: tl.constexpr,
    POINTS: tl.constexpr,
    CHANNELS: tl.constexpr,
    CHANNELS_BLOCK: tl.constexpr,
    BLOCK: tl.constexpr,
):
    offset, slot, channel, is_query, mask = _read_program(
        num_tokens, num_queries, HEADS, CHANNELS, CHANNELS_BLOCK, BLOCK
    )
    rows = slot[:, None] * CHANNELS + channel[None, :]
    grad_sum = tl.load(grad_outputs + rows, mask, other=0.0).to(tl.float32)
    for index in range(LEVELS * POINTS):
        point = slot * (LEVELS * POINTS) + index
        column, row, x_share, y_share, height, width, start = _locate(
            locations, levels, point, index // POINTS, is_query
        )
        weight = tl.load(weights + point, is_query, other=0.0).to(tl.float32)
        grad_weight = tl.zeros((BLOCK,), tl.float32)
        by_x = tl.zeros((BLOCK,), tl.float32)  # derivatives of the weighted sum, divided by the point's weight
        by_y = tl.zeros((BLOCK,), tl.float32)
        for corner in tl.static_range(4):
            right, lower = corner % 2, corner // 2
            tokens, inside = _corner(
                column + right, row + lower, height, width, start, channel, mask, HEADS * CHANNELS
            )
            value = tl.load(values + offset + tokens, inside, other=0.0).to(tl.float32)
            across, along = (x_share if right else 1 - x_share), (y_share if lower else 1 - y_share)
            product = tl.sum(value * grad_sum, axis=1)
            grad_weight += across * along * product
            by_x += along * product if right else -along * product
            by_y += across * product if lower else -across * product
            tl.atomic_add(
                grad_values + offset + tokens, grad_sum * (weight * across * along)[:, None], inside, sem='relaxed'
            )
        tl.store(grad_weights + point, grad_weight.to(grad_weights.dtype.element_ty), is_query)
        element = grad_locations.dtype.element_ty
        tl.store(grad_locations + point * 2, (by_x * weight * width).to(element), is_query)
        tl.store(grad_locations + point * 2 + 1, (by_y * weight * height).to(element), is_query)
