"""One step of training, the same for every model."""

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
