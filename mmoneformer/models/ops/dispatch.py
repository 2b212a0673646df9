"""What depends on the type of device besides kernels: which of them may run, autocast, and the size of a step.

Masks are processed in steps. On a CPU, small steps are fastest: their intermediate results stay in the caches.
Elsewhere, each step should be large enough to keep the device busy.
"""

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

CPU_MASKS = 16
CPU_LAYERS = 1
CPU_TILE, TILE = 64, 512


def runs_on(tensor: Tensor, device_type: str) -> bool:
    """Whether a kernel that was written for one type of device may be called with this tensor.

    Args:
        tensor: An input of the kernel.
        device_type: ``torch.device.type`` that the kernel supports, such as 'cpu' or 'cuda'.

    Returns:
        True if the tensor has its data in that device's memory. False while ``torch.jit.trace`` records a graph, and
        for subclasses such as the fake tensors of ``torch.export``: those need the plain form, which consists of
        standard operators.
    """
    return tensor.device.type == device_type and type(tensor) in (Tensor, nn.Parameter) and not torch.jit.is_tracing()


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """Disable autocast for the type of device that a tensor is on; does nothing where there is none, or it is off."""
    device_type = tensor.device.type
    if _has_autocast(device_type) and torch.is_autocast_enabled(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()


def _has_autocast(device_type: str) -> bool:
    # all devices that are compiled for have it, and torch.compile of some versions stops at the question
    return torch.compiler.is_compiling() or torch.amp.is_autocast_available(device_type)


def masks_per_step(masks: Tensor) -> int:
    """How many of M masks [M, ...] have points chosen and sampled in one step; at least 1."""
    return CPU_MASKS if runs_on(masks, 'cpu') else max(len(masks), 1)


def layers_per_step(embeddings: Tensor) -> int:
    """How many of L layers, with mask embeddings [L, ...], are compared with the targets in one step; at least 1."""
    return CPU_LAYERS if runs_on(embeddings, 'cpu') else max(len(embeddings), 1)


def in_small_steps(masks: Tensor) -> bool:
    """Whether to look at small blocks of masks [M, ...], one part of the image after the other: it waits for each."""
    return runs_on(masks, 'cpu')


def tile_side(masks: Tensor) -> int:
    """Side of the square tiles, in pixels, in which masks [M, ...] are enlarged to the size of the image."""
    return CPU_TILE if runs_on(masks, 'cpu') else TILE


def empty_masks(shape: tuple[int, ...], *, beside: Tensor) -> Tensor:
    """Masks without a pixel, bool of any shape, on the device of another tensor.

    On a CPU their memory comes from ``calloc``, as numpy's does: what is never written takes no time.
    """
    if runs_on(beside, 'cpu'):
        return torch.from_numpy(np.zeros(shape, bool))
    return torch.zeros(shape, dtype=torch.bool, device=beside.device)
