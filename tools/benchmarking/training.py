"""One step of training, the same for every model, and the memory that it keeps."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def optimizer_step(model: nn.Module, losses: Callable[[], Tensor]) -> Callable[[], float]:
    """Make a step: loss, gradients, update by fused AdamW, as our configs have it.

    Args:
        model: Whose parameters are trained; frozen ones are left out.
        losses: Computes the sum of the losses.

    Returns:
        What runs a step and gives its loss.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-6, fused=True)  # so small that no number of steps leads anywhere

    def step() -> float:
        optimizer.zero_grad()
        loss = losses()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def kept_memory(model: nn.Module, losses: Callable[[], Tensor]) -> int:
    """Bytes that a step of ``optimizer_step`` keeps, beside the model.

    These are activations, between forward and backward pass, and gradients and the two moments of AdamW, all the time.

    Args:
        model: As above.
        losses: As above.
    """
    of_model = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    activations = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in of_model:
            activations[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = losses()  # as long as it lives, they do
    assert loss.requires_grad, 'nothing learns'
    learning = sum(parameter.nbytes for parameter in model.parameters() if parameter.requires_grad)
    return sum(activations.values()) + (1 + 2) * learning
