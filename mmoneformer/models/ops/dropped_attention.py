"""Attention whose weights are dropped, on a CPU.

torch's attention has no fast form with dropout there: it keeps all weights, three times. This one computes them again
for the gradient, one head after another, and draws again what is kept from the same seed.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import torch
from torch import Tensor

from mmoneformer.models.layers.dropout import DropoutMask


def dropped_attention(query: Tensor, key: Tensor, value: Tensor, num_heads: int, dropout: float) -> Tensor:
    """Scaled dot-product attention of several heads (arXiv 1706.03762, section 3.2) with dropout of its weights.

    Args:
        query: [B, L, C].
        key: [B, S, C].
        value: [B, S, C], or [1, S, C] for values that all share.
        num_heads: Heads, each of which has its part of the C channels.
        dropout: Probability, 0 to 1, the latter exclusive.

    Returns:
        [B, L, C].
    """
    return _DroppedAttention.apply(query, key, value, num_heads, dropout)


class _DroppedAttention(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type='cpu', cast_inputs=torch.float32)
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, num_heads: int, dropout: float) -> Tensor:
        drawer = DropoutMask(dropout)
        ctx.num_heads, ctx.dropout, ctx.seed = num_heads, dropout, drawer.seed
        outputs = torch.empty_like(query)
        for q, k, v, output in _heads(num_heads, query, key, value, outputs):
            weights = ((q * _scale(q)) @ k.mT).softmax(-1)
            torch.mm(weights.mul_(drawer.draw(weights.shape, weights.dtype)), v, out=output)
        outputs.div_(1 - dropout)
        ctx.save_for_backward(query, key, value, outputs)
        return outputs

    @staticmethod
    @torch.amp.custom_bwd(device_type='cpu')
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        drawer = DropoutMask(ctx.dropout, ctx.seed)
        query, key, value, outputs = ctx.saved_tensors
        of_query, of_key, of_value = torch.empty_like(query), torch.empty_like(key), torch.zeros_like(value)
        heads = _heads(ctx.num_heads, query, key, value, outputs, gradient, of_query, of_key, of_value)
        for q, k, v, output, of_output, of_q, of_k, of_v in heads:
            scaled = q * _scale(q)
            weights = (scaled @ k.mT).softmax(-1)
            kept = drawer.draw(weights.shape, weights.dtype)
            of_sum = of_output / (1 - ctx.dropout)
            of_weights = (of_sum @ v.mT).mul_(kept)
            of_v.addmm_(kept.mul_(weights).mT, of_sum)
            mean = (of_output * output).sum(-1, keepdim=True)  # of of_weights, by the weights
            of_logits = weights.mul_(of_weights.sub_(mean))
            torch.mm(of_logits, k, out=of_q).mul_(_scale(q))
            torch.mm(of_logits.mT, scaled, out=of_k)
        return of_query, of_key, of_value, None, None


def _heads(num_heads: int, *parts: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Views of each head of each image, [length, C / heads], of tensors [B or 1, length, C]."""
    batch = max(map(len, parts))
    views = [part.expand(batch, -1, -1).unflatten(-1, (num_heads, -1)) for part in parts]
    for image, head in product(range(batch), range(num_heads)):
        yield tuple(view[image, :, head] for view in views)


def _scale(query: Tensor) -> float:
    return query.shape[-1] ** -0.5
