"""Questions about the device of a tensor: whether a kernel may run on it, and how to leave autocast there."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn


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
    """Disable autocast for the type of device that a tensor is on; does nothing where there is no autocast."""
    device_type = tensor.device.type
    if torch.amp.is_autocast_available(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()
