"""Hungarian matching of queries to targets (Mask2Former, arXiv 2112.01527, section 3.3)."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from scipy.optimize import linear_sum_assignment
from torch import Tensor

NEVER = 1e9  # a finite cost above all that are computed


class CostWeights(NamedTuple):
    """Weights of the three terms, in the cost as in the loss."""

    classes: float
    mask: float
    dice: float


class Costs(NamedTuple):
    """Weighted terms of the cost of giving target n to query q, each float32 [L, Q, N]."""

    classes: Tensor
    mask: Tensor
    dice: Tensor

    @property
    def total(self) -> Tensor:
        """Their sum."""
        return self.classes + self.mask + self.dice


class Matches(NamedTuple):
    """The queries of one image that have a target, over all layers.

    Attributes:
        layers: [M].
        queries: [M].
        targets: [M].
    """

    layers: Tensor
    queries: Tensor
    targets: Tensor


def matching_cost(
    class_logits: Tensor, point_logits: Tensor, labels: Tensor, point_targets: Tensor, weights: CostWeights
) -> Costs:
    """Cost of giving target n to query q.

    Args:
        class_logits: [L, Q, K + 1].
        point_logits: Mask logits at the points, [L, Q, P].
        labels: Classes of the targets, [N].
        point_targets: The targets' masks at the points, 0 to 1, [N, P].
        weights: Of the three terms.
    """
    num_points = point_targets.shape[1]
    class_cost = -class_logits.softmax(-1)[..., labels]
    # softplus(-x) is the loss of a positive and softplus(x) = softplus(-x) + x of a negative pixel
    products = point_logits @ point_targets.T
    mask_cost = (F.softplus(point_logits).sum(-1, keepdim=True) - products) / num_points
    probabilities = point_logits.sigmoid()
    overlap = 2 * (probabilities @ point_targets.T)
    total = probabilities.sum(-1, keepdim=True) + point_targets.sum(-1)
    dice_cost = 1 - (overlap + 1) / (total + 1)
    return Costs(weights.classes * class_cost, weights.mask * mask_cost, weights.dice * dice_cost)


def assign(costs: Sequence[Costs]) -> list[Matches]:
    """Solve the assignments of all layers and images, with one copy to the host.

    A cost that is NaN or infinite is named in the log, and its pair is matched last. What gave it makes the loss NaN
    or infinite, which all processes see behind the backward pass; an error here would leave the others waiting.

    Args:
        costs: Of each image.

    Returns:
        Matches of each image, on the device of the costs, layer by layer.
    """
    totals = [cost.total for cost in costs]
    flat = torch.cat([total.flatten() for total in totals]).cpu()
    if not flat.isfinite().all():
        _log_terms(costs)
        flat = flat.nan_to_num(NEVER, posinf=NEVER, neginf=NEVER)
    matches, start = [], 0
    for total in totals:
        matrices = flat[start : start + total.numel()].view(total.shape).numpy()
        start += total.numel()
        indices = [
            torch.stack([torch.full(row.shape, layer), row, column])
            for layer, matrix in enumerate(matrices)
            for row, column in [map(torch.from_numpy, linear_sum_assignment(matrix))]
        ]
        matches.append(Matches(*torch.cat(indices, dim=1).to(total.device)))
    return matches


def _log_terms(costs: Sequence[Costs]) -> None:
    for image, cost in enumerate(costs):
        terms = [name for name, term in zip(cost._fields, cost, strict=True) if not term.isfinite().all()]
        if terms:
            print_log(
                f'image {image} of the batch: the matching cost is not finite in its terms {terms}',
                logger='current',
                level=logging.ERROR,
            )
