"""Gradient checkpointing (arXiv 1604.06174): training that computes layers twice, to keep only their inputs."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


def maybe_checkpoint(layer: Callable[..., Any], *inputs: Any, recompute: bool) -> Any:
    """Call a layer.

    Args:
        layer: What to call.
        inputs: Its arguments.
        recompute: Where gradients are recorded, keep nothing of the layer but its inputs, and compute it again for
            the gradient.

    Returns:
        What the layer returns; the same, and with the same gradients, either way.
    """
    if recompute and torch.is_grad_enabled():
        return checkpoint(layer, *inputs, use_reentrant=False)
    return layer(*inputs)
