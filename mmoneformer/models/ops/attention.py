"""Scaled dot-product attention over several heads (arXiv 1706.03762, section 3.2), with dropout of its weights.

torch has no fused kernel with dropout for CPUs: it keeps three tensors of all attention weights for the backward pass.
The CPU form here computes the weights of some keys at a time, in the caches, and again in the backward pass, where the
dropout masks are drawn from the same seed (FlashAttention, arXiv 2205.14135, section 3.1).
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmoneformer.models.ops.dispatch import runs_on
from mmoneformer.models.ops.dropout import DropoutMask

BLOCK = 2048  # keys at a time, on a CPU


def attention(
    query: Tensor, key: Tensor, value: Tensor, *, num_heads: int, mask: Tensor | None = None, dropout: float = 0.0
) -> Tensor:
    """Multi-head attention of projected queries, keys and values.

    Args:
        query: [B, L, C].
        key: [B, S, C].
        value: [B, S, C], or [1, S, C] if all images share them.
        num_heads: Number of heads, each with C / num_heads of the channels.
        mask: bool [B, L, S], true where a query may attend; the heads share it.
        dropout: Probability that an attention weight is zeroed, in [0, 1).

    Returns:
        [B, L, C].
    """
    if dropout and mask is None and runs_on(query, 'cpu'):
        return _CpuDropoutAttention.apply(query, key, value, num_heads, dropout)
    parts = (query, key, value.expand(key.shape[0], -1, -1))
    query, key, value = (part.unflatten(-1, (num_heads, -1)).transpose(1, 2) for part in parts)
    heads_mask = None if mask is None else mask[:, None]
    heads = F.scaled_dot_product_attention(query, key, value, heads_mask, dropout)  # [B, heads, L, C / heads]
    return heads.transpose(1, 2).flatten(2)


class _CpuDropoutAttention(torch.autograd.Function):
    """Keeps inputs, outputs and the logarithm of each softmax's sum for the backward pass, no attention weights."""

    @staticmethod
    @torch.amp.custom_fwd(device_type='cpu', cast_inputs=torch.float32)
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, num_heads: int, dropout: float) -> Tensor:
        mask = DropoutMask(dropout)
        outputs, log_sums = torch.zeros_like(query), query.new_empty(*query.shape[:2], num_heads)
        for q, k, v, output, log_sum in _heads(num_heads, query, key, value, outputs, log_sums):
            scaled, total = q * _scale(q), torch.zeros_like(log_sum)
            highest = torch.full_like(log_sum, -torch.inf)
            for k_block, v_block in zip(k.split(BLOCK), v.split(BLOCK), strict=True):
                logits = scaled @ k_block.mT
                before, highest = highest, torch.maximum(highest, logits.amax(-1, keepdim=True))
                shrink = (before - highest).exp_()
                weights = logits.sub_(highest).exp_()
                total = total.mul_(shrink).add_(weights.sum(-1, keepdim=True))
                output.mul_(shrink).addmm_(weights.mul_(mask.draw(weights.shape, weights.dtype)), v_block)
            output.div_(total * (1 - dropout))
            log_sum.copy_(total.log_().add_(highest))
        ctx.num_heads, ctx.dropout, ctx.seed = num_heads, dropout, mask.seed
        ctx.save_for_backward(query, key, value, outputs, log_sums)
        return outputs

    @staticmethod
    @torch.amp.custom_bwd(device_type='cpu')
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        mask = DropoutMask(ctx.dropout, ctx.seed)
        query, key, value, outputs, log_sums = ctx.saved_tensors
        grad_query, grad_key, grad_value = torch.zeros_like(query), torch.empty_like(key), torch.zeros_like(value)
        inputs = (query, key, value, outputs, log_sums, grad_outputs, grad_query, grad_key, grad_value)
        for q, k, v, output, log_sum, grad_output, grad_q, *grads in _heads(ctx.num_heads, *inputs):
            scaled, grad_sum = q * _scale(q), grad_output / (1 - ctx.dropout)
            mean = (grad_output * output).sum(-1, keepdim=True)  # of the weights' gradients, weighted by the weights
            for k_block, v_block, grad_k, grad_v in zip(*(part.split(BLOCK) for part in (k, v, *grads)), strict=True):
                weights = (scaled @ k_block.mT).sub_(log_sum).exp_()
                kept = mask.draw(weights.shape, weights.dtype)
                grad_weights = (grad_sum @ v_block.mT).mul_(kept)
                grad_v.addmm_(kept.mul_(weights).mT, grad_sum)
                grad_logits = weights.mul_(grad_weights.sub_(mean))
                grad_q.addmm_(grad_logits, k_block)
                torch.mm(grad_logits.mT, scaled, out=grad_k)
            grad_q.mul_(_scale(q))
        return grad_query, grad_key, grad_value, None, None


def _heads(num_heads: int, *parts: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Views of each head of each image, [length, C / heads], of tensors [B or 1, length, C]."""
    batch = max(map(len, parts))
    views = [part.expand(batch, -1, -1).unflatten(-1, (num_heads, -1)) for part in parts]
    for image, head in product(range(batch), range(num_heads)):
        yield tuple(view[image, :, head] for view in views)


def _scale(query: Tensor) -> float:
    return query.shape[-1] ** -0.5
