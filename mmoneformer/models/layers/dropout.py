"""Dropout (Srivastava et al., JMLR 15, 2014), which on a CPU would take longer than what it is applied to.

torch draws one number after another for it, some 10 ns each. 16 random bits are enough for a decision, and numpy's
generators make 64 at a time. The seed comes from torch's generator, so that one seed governs all.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

DRAW_BITS = 16  # of a decision, so the probability is right to 1e-5
CPU_PART = 2**18  # numbers that stay in a processor's caches; a multiple of the decisions of a draw


class Dropout(nn.Module):
    """Drops each number with a probability in training, and lets the others grow by 1 / (1 - probability).

    Args:
        probability: 0 to 1, the latter exclusive.

    Raises:
        ValueError: If the probability is another.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = check_probability(probability)

    def forward(self, inputs: Tensor) -> Tensor:
        """Drop numbers of a tensor of any shape."""
        if not self.training or not self.probability:
            return inputs
        if inputs.is_cuda:
            return F.dropout(inputs, self.probability)
        return _Dropout.apply(inputs, self.probability)


class _Dropout(torch.autograd.Function):
    """Keeps only the seed for the gradient."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, probability: float) -> Tensor:
        drawer = DropoutMask(probability)
        ctx.probability, ctx.seed = probability, drawer.seed
        return drawer.drop(inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return DropoutMask(ctx.probability, ctx.seed).drop(gradient), None


class DropoutMask:
    """Draws which numbers are kept, on a CPU; the same seed draws the same again.

    Args:
        probability: That one is dropped.
        seed: By default one of torch's generator.
    """

    def __init__(self, probability: float, seed: int | None = None) -> None:
        self.seed = int(torch.randint(2**63 - 1, ())) if seed is None else seed
        self._probability = probability
        self._generator = np.random.SFC64(self.seed)
        self._threshold = round(probability * 2**DRAW_BITS) - 2 ** (DRAW_BITS - 1)

    def draw(self, shape: torch.Size, dtype: torch.dtype = torch.float32) -> Tensor:
        """1 where a number is kept, 0 where it is dropped, of that shape."""
        count = shape.numel()
        words = self._generator.random_raw(-(-count * DRAW_BITS // 64))
        bits = torch.from_numpy(words.view(np.int16))[:count].view(shape)
        return torch.ge(bits, self._threshold, out=torch.empty(shape, dtype=dtype))

    def drop(self, inputs: Tensor) -> Tensor:
        """Inputs of any shape with some numbers dropped, and the others larger by 1 / (1 - probability)."""
        outputs = torch.empty(inputs.shape, dtype=inputs.dtype)
        for part, kept in zip(inputs.reshape(-1).split(CPU_PART), outputs.view(-1).split(CPU_PART), strict=True):
            torch.mul(part, self.draw(part.shape, part.dtype), out=kept).div_(1 - self._probability)
        return outputs


def check_probability(probability: float) -> float:
    """Let a probability of dropout pass.

    Raises:
        ValueError: If it is not one, or 1.
    """
    if not 0 <= probability < 1:
        raise ValueError(f'dropout must be at least 0 and less than 1, got {probability}')
    return probability
