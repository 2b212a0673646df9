"""Optimizer steps that keep the weights finite."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.model import MMFullyShardedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.runner import autocast
from torch import nn

from mmoneformer.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class FiniteOptimWrapper(OptimWrapper):
    """Skips the step if the gradient norm is NaN or infinite; ``CheckFiniteHook`` reports it.

    All processes have the same gradient, so all skip the same steps. The norm is computed for the log anyway.

    Args:
        dtype: 'bfloat16' for automatic mixed precision, on GPUs and CPUs, without gradient scaling. For float16 use
            mmengine's ``AmpOptimWrapper``, whose gradient scaler skips such steps as well.
        clip_grad: Arguments of ``torch.nn.utils.clip_grad_norm_``; None to not clip.
        **kwargs: ``optimizer`` and ``accumulative_counts`` of ``mmengine.optim.OptimWrapper``.

    Raises:
        ValueError: If ``clip_grad`` clips values instead of the norm, or ``dtype`` is another.
    """

    def __init__(self, *, dtype: str | None = None, clip_grad: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if dtype not in (None, 'bfloat16'):
            raise ValueError(f"dtype must be 'bfloat16' or None, got {dtype!r}; use AmpOptimWrapper for float16")
        super().__init__(clip_grad=clip_grad or dict(max_norm=math.inf), **kwargs)
        if self.grad_name != 'grad_norm':
            raise ValueError(f'clip_grad must clip the norm, got {clip_grad}')
        self.in_bfloat16 = dtype is not None

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Compute the losses in mixed precision if ``dtype`` is set."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16, enabled=self.in_bfloat16):
            yield

    def step(self, **kwargs: Any) -> None:
        """Clip the gradient and update the parameters, unless the gradient norm is not finite."""
        self._clip_grad()
        if math.isfinite(self.message_hub.get_scalar('train/grad_norm').current()):
            self.optimizer.step(**kwargs)


@OPTIM_WRAPPERS.register_module()
class FullyShardedOptimWrapper(FiniteOptimWrapper):
    """``FiniteOptimWrapper`` for FSDP: clips by the norm of the complete gradient instead of this process's shard."""

    @contextmanager
    def optim_context(self, model: MMFullyShardedDataParallel) -> Iterator[None]:
        """Keep the model, which can compute the norm of its sharded gradient."""
        self._model = model
        with super().optim_context(model):
            yield

    def _clip_grad(self) -> None:
        norm = self._model.clip_grad_norm_(**self.clip_grad_kwargs)
        self.message_hub.update_scalar('train/grad_norm', float(norm))
