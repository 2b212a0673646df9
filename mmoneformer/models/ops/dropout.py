"""Dropout (Srivastava et al., JMLR 15, 2014), alone and fused with a ReLU.

On a CPU, torch's dropout draws one number after another, some 10 ns each, and takes longer than the layers around it.
There, 16 random bits of numpy's SFC64 generator make each decision, and only its seed is kept for the backward pass.
The seed comes from torch's generator, so ``torch.manual_seed`` makes training reproducible.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmoneformer.models.ops.dispatch import runs_on

MASK_BITS = 16  # per decision: probabilities are exact to 1e-5
CPU_CHUNK = 2**18  # elements per step, which fit in the caches; a multiple of the decisions in a random word


class Dropout(nn.Module):
    """Zeroes random elements in training, and scales the others by 1 / (1 - probability).

    Args:
        probability: Of an element to be zeroed, in [0, 1).

    Raises:
        ValueError: If the probability is out of range.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = check_probability(probability)

    def forward(self, inputs: Tensor) -> Tensor:
        """Apply dropout to a tensor of any shape."""
        return dropout(inputs, self.probability) if self.training and self.probability else inputs


def check_probability(probability: float) -> float:
    """Return a probability of dropout.

    Raises:
        ValueError: If it is not in [0, 1).
    """
    if not 0 <= probability < 1:
        raise ValueError(f'dropout must be at least 0 and less than 1, got {probability}')
    return probability


def dropout(inputs: Tensor, probability: float) -> Tensor:
    """Zero random elements and scale the others by 1 / (1 - probability).

    Args:
        inputs: Of any shape.
        probability: Of an element to be zeroed, in [0, 1).

    Returns:
        A new tensor of the same shape and type.
    """
    return _CpuDropout.apply(inputs, probability) if runs_on(inputs, 'cpu') else F.dropout(inputs, probability)


def relu_dropout(inputs: Tensor, probability: float) -> Tensor:
    """ReLU followed by dropout.

    On a CPU and on CUDA, one tensor is kept for the backward pass instead of three.

    Args:
        inputs: Of any shape, contiguous; on a CPU they are overwritten.
        probability: Of an element to be zeroed, in [0, 1).

    Returns:
        A tensor of the same shape and type.
    """
    if runs_on(inputs, 'cpu'):
        return _CpuReluDropout.apply(inputs, probability)
    if runs_on(inputs, 'cuda'):
        return _CudaReluDropout.apply(inputs, probability)
    return F.dropout(F.relu(inputs), probability)


class DropoutMask:
    """Draws which elements are kept, on a CPU; the same seed draws the same masks.

    Args:
        probability: Of an element to be dropped, in [0, 1).
        seed: By default a random one from torch's generator.
    """

    def __init__(self, probability: float, seed: int | None = None) -> None:
        self.seed = int(torch.randint(2**63 - 1, ())) if seed is None else seed
        self._probability = probability
        self._generator = np.random.SFC64(self.seed)
        self._threshold = round(probability * 2**MASK_BITS) - 2 ** (MASK_BITS - 1)

    def draw(self, shape: torch.Size, dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw the next mask of a shape: 1 where an element is kept, 0 where it is dropped."""
        count = shape.numel()
        words = self._generator.random_raw(-(-count * MASK_BITS // 64))
        bits = torch.from_numpy(words.view(np.int16))[:count].view(shape)
        return torch.ge(bits, self._threshold, out=torch.empty(shape, dtype=dtype))

    def apply(self, inputs: Tensor) -> Tensor:
        """Draw masks for inputs of any shape, and return the inputs with dropout."""
        outputs = torch.empty(inputs.shape, dtype=inputs.dtype)
        for chunk, out in zip(inputs.reshape(-1).split(CPU_CHUNK), outputs.view(-1).split(CPU_CHUNK), strict=True):
            torch.mul(chunk, self.draw(chunk.shape, chunk.dtype), out=out).div_(1 - self._probability)
        return outputs


class _CpuDropout(torch.autograd.Function):
    """Keeps only the seed for the backward pass."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, probability: float) -> Tensor:
        mask = DropoutMask(probability)
        ctx.probability, ctx.seed = probability, mask.seed
        return mask.apply(inputs)

    @staticmethod
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor, None]:
        return DropoutMask(ctx.probability, ctx.seed).apply(grad_outputs), None


class _ReluDropout(torch.autograd.Function):
    """An element has a gradient exactly where its output is positive, so only the output is kept."""

    @staticmethod
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor, None]:
        (outputs,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(grad_outputs, outputs, 0).mul_(ctx.scale), None


class _CpuReluDropout(_ReluDropout):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, probability: float) -> Tensor:
        mask = DropoutMask(probability)
        ctx.mark_dirty(inputs)
        for chunk in inputs.view(-1).split(CPU_CHUNK):
            chunk.relu_().mul_(mask.draw(chunk.shape, chunk.dtype)).div_(1 - probability)
        ctx.save_for_backward(inputs)
        ctx.scale = 1 / (1 - probability)
        return inputs


class _CudaReluDropout(_ReluDropout):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, probability: float) -> Tensor:
        outputs = F.dropout(F.relu(inputs), probability)
        ctx.save_for_backward(outputs)
        ctx.scale = 1 / (1 - probability)
        return outputs
