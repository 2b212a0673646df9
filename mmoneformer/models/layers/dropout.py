"""Dropout as a module."""

from torch import Tensor, nn

from mmoneformer.models.ops.dropout import dropout


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
