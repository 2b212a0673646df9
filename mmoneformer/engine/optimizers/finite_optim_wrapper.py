"""Steps that leave the weights finite."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner import autocast
from torch import nn

from mmoneformer.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class FiniteOptimWrapper(OptimWrapper):
    """Leaves out the step if the norm of the gradient is NaN or infinite; ``CheckFiniteHook`` says so.

    All processes decide alike, as they share the gradient. The norm is read anyway, for the log.

    Args:
        dtype: 'bfloat16' for automatic mixed precision, on GPUs and CPUs. It needs no scaling of gradients; for
            float16 there is mmengine's ``AmpOptimWrapper``, whose scaler leaves out steps as well.
        clip_grad: Arguments of ``torch.nn.utils.clip_grad_norm_``; None clips nothing.
        **kwargs: ``optimizer`` and ``accumulative_counts`` of ``mmengine.optim.OptimWrapper``.

    Raises:
        ValueError: If values instead of the norm shall be clipped, or of another ``dtype``.
    """

    def __init__(self, *, dtype: str | None = None, clip_grad: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if dtype not in (None, 'bfloat16'):
            raise ValueError(f"dtype must be 'bfloat16' or None, got {dtype!r}; AmpOptimWrapper takes float16")
        super().__init__(clip_grad=clip_grad or dict(max_norm=math.inf), **kwargs)
        if self.grad_name != 'grad_norm':
            raise ValueError(f'clip_grad must clip the norm, got {clip_grad}')
        self.in_bfloat16 = dtype is not None

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Compute the losses in mixed precision if asked to."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16, enabled=self.in_bfloat16):
            yield

    def step(self, **kwargs: Any) -> None:
        """Clip the gradient and update the parameters, or leave them as they are."""
        self._clip_grad()
        if math.isfinite(self.message_hub.get_scalar('train/grad_norm').current()):
            self.optimizer.step(**kwargs)
