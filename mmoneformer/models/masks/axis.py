"""Height or width of the original image: from which positions at stride 4 its pixels are interpolated."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmoneformer.models.masks.geometry import MaskGeometry


class AxisGeometry(NamedTuple):
    """``MaskGeometry`` along one axis."""

    padded: int
    image: int
    original: int
    flipped: bool

    @classmethod
    def of(cls, geometry: MaskGeometry, axis: int) -> 'AxisGeometry':
        """That of the rows (0) or of the columns (1)."""
        padded, image, original, flipped = geometry
        return cls(padded[axis], image[axis], original[axis], flipped[axis])


class Step(NamedTuple):
    """Linear interpolation to n positions: between two source positions each, with the weight of the second."""

    first: Tensor
    second: Tensor
    weight: Tensor

    def apply(self, values: Tensor, dim: int) -> Tensor:
        """Interpolate along dimension 1 or 2 of values [N, h, w]."""
        weight = self.weight if dim == 2 else self.weight[:, None]
        return torch.lerp(values.index_select(dim, self.first), values.index_select(dim, self.second), weight)


def axis_steps(size: int, geometry: AxisGeometry) -> list[Step]:
    """The interpolations from stride 4, where an axis has ``size`` positions, to the original image."""
    padded, image, original, flipped = geometry
    steps = [_linear_step(size, padded)] if size != padded else []
    if image != original or flipped:
        last = _linear_step(image, original)
        steps.append(Step(*(part.flip(0) for part in last)) if flipped else last)
    return steps


def _linear_step(source: int, target: int) -> Step:
    """Positions and weights of ``F.interpolate(..., mode='bilinear', align_corners=False)`` along one axis."""
    position = ((torch.arange(target) + 0.5) * (source / target) - 0.5).clamp(min=0)
    first = position.to(torch.int64).clamp(max=source - 1)
    return Step(first, (first + 1).clamp(max=source - 1), position - first)


def find_taps(places: Tensor, steps: Sequence[Step]) -> tuple[Tensor, Tensor]:
    """What P places along an axis are interpolated from: S source positions each and their weights, [P, S]."""
    taps, weights = places[:, None], torch.ones((len(places), 1), device=places.device)
    for step in reversed(steps):
        first, second, weight = (part[taps] for part in step)
        taps, weights = torch.cat([first, second], 1), torch.cat([weights * (1 - weight), weights * weight], 1)
    return taps, weights
