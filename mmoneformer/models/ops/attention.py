"""Scaled dot-product attention over several heads (arXiv 1706.03762, section 3.2), with dropout of its weights.

torch has no fused kernel with dropout for CPUs: it keeps three tensors of all attention weights for the backward pass.
The CPU form here computes the weights one head at a time, and again in the backward pass, where the dropout masks are
drawn from the same seed.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmoneformer.models.ops.dispatch import runs_on
from mmoneformer.models.ops.dropout import DropoutMask


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
    """Keeps inputs and outputs for the backward pass, no attention weights."""

    @staticmethod
    @torch.amp.custom_fwd(device_type='cpu', cast_inputs=torch.float32)
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, num_heads: int, dropout: float) -> Tensor:
        mask = DropoutMask(dropout)
        ctx.num_heads, ctx.dropout, ctx.seed = num_heads, dropout, mask.seed
        outputs = torch.empty_like(query)
        for q, k, v, output in _heads(num_heads, query, key, value, outputs):
            weights = ((q * _scale(q)) @ k.mT).softmax(-1)
            torch.mm(weights.mul_(mask.draw(weights.shape, weights.dtype)), v, out=output)
        outputs.div_(1 - dropout)
        ctx.save_for_backward(query, key, value, outputs)
        return outputs

    @staticmethod
    @torch.amp.custom_bwd(device_type='cpu')
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        mask = DropoutMask(ctx.dropout, ctx.seed)
        query, key, value, outputs = ctx.saved_tensors
        grad_query, grad_key, grad_value = torch.empty_like(query), torch.empty_like(key), torch.zeros_like(value)
        inputs = (query, key, value, outputs, grad_outputs)
        for q, k, v, output, grad_output, grad_q, grad_k, grad_v in _heads(
            ctx.num_heads, *inputs, grad_query, grad_key, grad_value
        ):
            scaled = q * _scale(q)
            weights = (scaled @ k.mT).softmax(-1)
            kept = mask.draw(weights.shape, weights.dtype)
            grad_sum = grad_output / (1 - ctx.dropout)
            grad_weights = (grad_sum @ v.mT).mul_(kept)
            grad_v.addmm_(kept.mul_(weights).mT, grad_sum)
            mean = (grad_output * output).sum(-1, keepdim=True)  # of grad_weights, weighted by the weights
            grad_logits = weights.mul_(grad_weights.sub_(mean))
            torch.mm(grad_logits, k, out=grad_q).mul_(_scale(q))
            torch.mm(grad_logits.mT, scaled, out=grad_k)
        return grad_query, grad_key, grad_value, None, None


def _heads(num_heads: int, *parts: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Views of each head of each image, [length, C / heads], of tensors [B or 1, length, C]."""
    batch = max(map(len, parts))
    views = [part.expand(batch, -1, -1).unflatten(-1, (num_heads, -1)) for part in parts]
    for image, head in product(range(batch), range(num_heads)):
        yield tuple(view[image, :, head] for view in views)


def _scale(query: Tensor) -> float:
    return query.shape[-1] ** -0.5
