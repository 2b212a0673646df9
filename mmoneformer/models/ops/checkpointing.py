"""Gradient checkpointing (arXiv 1604.06174): layers keep only their inputs, and run again in the backward pass."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmoneformer.models.ops.dispatch import runs_on


def maybe_checkpoint(layer: Callable[..., Any], *inputs: Any, recompute: bool) -> Any:
    """Call a layer, with gradient checkpointing if asked for.

    Args:
        layer: A module or function.
        inputs: Its arguments.
        recompute: Whether to keep nothing but the inputs for the backward pass, where gradients are recorded.

    Returns:
        What the layer returns. Neither it nor its gradients depend on ``recompute``.
    """
    if recompute and torch.is_grad_enabled():
        return checkpoint(layer, *inputs, use_reentrant=False)
    return layer(*inputs)


def gelu_linear(hidden: Tensor, gelu: nn.Module, linear: nn.Module) -> Tensor:
    """Activation and second linear layer of a feed-forward network.

    On a CPU, the activation is computed again in the backward pass: that takes less time than keeping it costs memory.

    Args:
        hidden: Output of the first linear layer, [..., D].
        gelu: The activation.
        linear: The second linear layer, D -> C.

    Returns:
        [..., C].
    """
    return maybe_checkpoint(lambda inputs: linear(gelu(inputs)), hidden, recompute=runs_on(hidden, 'cpu'))
