"""Attention whose weights are dropped, on a CPU.

torch's attention has no fast form with dropout there: it keeps all weights, three times. This one computes them again
for the gradient, one head after another, and draws again what is kept from the same seed.
"""

from typing import Any

import torch
from torch import Tensor

from mmoneformer.models.dropout import KeptOnes


def dropped_attention(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
    """Scaled dot-product attention (arXiv 1706.03762, section 3.2.1) with dropout of its weights.

    Args:
        query: [B, heads, L, D].
        key: [B, heads, S, D].
        value: [B, heads, S, D].
        dropout: Probability, 0 to 1, the latter exclusive.

    Returns:
        [B, heads, L, D].
    """
    heads = _DroppedAttention.apply(*(part.flatten(0, 1) for part in (query, key, value)), dropout)
    return heads.unflatten(0, query.shape[:2])


class _DroppedAttention(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type='cpu', cast_inputs=torch.float32)
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
        drawer = KeptOnes(dropout)
        ctx.dropout, ctx.seed = dropout, drawer.seed
        heads = []
        for q, k, v in zip(query, key, value, strict=True):
            weights = _attention_weights(q, k)
            heads.append(weights.mul_(drawer.draw(weights.shape, weights.dtype)) @ v)
        outputs = torch.stack(heads).div_(1 - dropout)
        ctx.save_for_backward(query, key, value, outputs)
        return outputs

    @staticmethod
    @torch.amp.custom_bwd(device_type='cpu')
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        drawer = KeptOnes(ctx.dropout, ctx.seed)
        gradients = []
        for q, k, v, output, of_output in zip(*ctx.saved_tensors, gradient, strict=True):
            weights = _attention_weights(q, k)
            kept = drawer.draw(weights.shape, weights.dtype)
            of_sum = of_output / (1 - ctx.dropout)
            of_weights = (of_sum @ v.mT).mul_(kept)
            of_value = kept.mul_(weights).mT @ of_sum
            mean = (of_output * output).sum(-1, keepdim=True)  # of of_weights, by the weights
            of_logits = weights.mul_(of_weights.sub_(mean)).mul_(_scale(q))
            gradients.append((of_logits @ k, of_logits.mT @ q, of_value))
        of_query, of_key, of_value = map(torch.stack, zip(*gradients, strict=True))
        return of_query, of_key, of_value, None


def _attention_weights(query: Tensor, key: Tensor) -> Tensor:
    """[L, S] from [L, D] and [S, D]."""
    return ((query * _scale(query)) @ key.mT).softmax(-1)


def _scale(query: Tensor) -> float:
    return query.shape[-1] ** -0.5
