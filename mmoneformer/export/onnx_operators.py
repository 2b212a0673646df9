"""Operators of torch that are translated to ONNX in another way than torch's own."""

import math
from collections.abc import Callable
from typing import Any

import torch

from mmoneformer.packages import load_package


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Functions of ONNX's operators by the operator of torch, as ``custom_translation_table`` takes them.

    Raises:
        ImportError: If onnxscript is not installed.
    """
    load_package('onnxscript')
    return {torch.ops.aten.scaled_dot_product_attention.default: _attention}


def _attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """Attention of heads [B, G, L, C], where each query may attend to one key at least.

    torch's translation looks for queries without any: with masks, that takes longer than the softmax.

    Raises:
        NotImplementedError: For causal or grouped attention, which no part of the network has.
    """
    ops = load_package('onnxscript').opset18
    if is_causal or enable_gqa:
        raise NotImplementedError('attention that is causal or grouped is not translated to ONNX: write it out')
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    axes = [*range(len(key.shape) - 2), len(key.shape) - 1, len(key.shape) - 2]
    logits = ops.MatMul(ops.Mul(query, scale), ops.Transpose(key, perm=axes))
    if attn_mask is not None:
        is_bool = attn_mask.dtype.name == 'BOOL'
        logits = ops.Add(logits, ops.Where(attn_mask, 0.0, -math.inf) if is_bool else attn_mask)
    return ops.MatMul(ops.Softmax(logits, axis=-1), value)
