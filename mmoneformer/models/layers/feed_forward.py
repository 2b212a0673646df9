"""The feed-forward network of a transformer layer."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmoneformer.models.layers.dropout import CPU_PART, DropoutMask, check_probability


class FeedForward(nn.Module):
    """Two linear layers with a ReLU between (arXiv 1706.03762, section 3.3); [..., C] -> [..., C]."""

    def __init__(self, channels: int, *, hidden_channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, hidden_channels)
        self.linear2 = nn.Linear(hidden_channels, channels)
        self.dropout = check_probability(dropout)
        nn.init.xavier_uniform_(self.linear1.weight)
        nn.init.xavier_uniform_(self.linear2.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """Transform each position by itself."""
        hidden = self.linear1(inputs.flatten(0, -2))  # of a view, autograd would copy what is changed in place
        hidden = relu_dropout_(hidden, self.dropout) if self.training and self.dropout else F.relu(hidden)
        return self.linear2(hidden).view(inputs.shape)


def relu_dropout_(inputs: Tensor, dropout: float) -> Tensor:
    """Dropout of the ReLU, which keeps one tensor for the gradient instead of three.

    Args:
        inputs: Of any shape, contiguous; on a CPU they are overwritten.
        dropout: Probability that a number is dropped, 0 to 1, the latter exclusive; the others grow by
            1 / (1 - dropout).
    """
    return _ReluDropout.apply(inputs, dropout)


class _ReluDropout(torch.autograd.Function):
    """A number passed both where its output is positive; so the output alone tells the gradient."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, dropout: float) -> Tensor:
        if inputs.is_cuda:
            outputs = F.dropout(F.relu(inputs), dropout)
        else:
            outputs, drawer = inputs, DropoutMask(dropout)
            ctx.mark_dirty(outputs)
            for part in outputs.view(-1).split(CPU_PART):
                part.relu_().mul_(drawer.draw(part.shape, part.dtype)).div_(1 - dropout)
        ctx.save_for_backward(outputs)
        ctx.scale = 1 / (1 - dropout)
        return outputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (outputs,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(gradient, outputs, 0).mul_(ctx.scale), None
