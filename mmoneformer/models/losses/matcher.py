"""Hungarian matching of queries to targets (Mask2Former, arXiv 2112.01527, section 3.3)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor


class CostWeights(NamedTuple):
    """Weights of the three terms, in the cost as in the loss."""

    classes: float
    mask: float
    dice: float


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
) -> Tensor:
    """Cost of giving target n to query q.

    Args:
        class_logits: [L, Q, K + 1].
        point_logits: Mask logits at the points, [L, Q, P].
        labels: Classes of the targets, [N].
        point_targets: The targets' masks at the points, 0 to 1, [N, P].
        weights: Of the three terms.

    Returns:
        float32 [L, Q, N].
    """
    num_points = point_targets.shape[1]
    class_cost = -class_logits.softmax(-1)[..., labels]
    # softplus(-x) is the loss of a positive and softplus(x) = softplus(-x) + x of a negative pixel
    products = point_logits @ point_targets.T
    mask_cost = (F.softplus(point_logits).sum(-1, keepdim=True) - products) / num_points
    probabilities = point_logits.sigmoid()
    overlap = 2 * probabilities @ point_targets.T
    total = probabilities.sum(-1, keepdim=True) + point_targets.sum(-1)
    dice_cost = 1 - (overlap + 1) / (total + 1)
    return weights.classes * class_cost + weights.mask * mask_cost + weights.dice * dice_cost


def assign(costs: Sequence[Tensor]) -> list[Matches]:
    """Solve the assignments of all layers and images, with one copy to the host.

    Args:
        costs: Of each image, [L, Q, N_b].

    Returns:
        Matches of each image, on the device of the costs, layer by layer.

    Raises:
        ValueError: If a cost is not finite.
    """
    device = costs[0].device
    flat = torch.cat([cost.flatten() for cost in costs]).cpu()
    if not flat.isfinite().all():
        raise ValueError(
            'the matching cost has NaN or infinite entries: the network has diverged; lower the learning rate'
        )
    matches, start = [], 0
    for cost in costs:
        matrices = flat[start : start + cost.numel()].view(cost.shape).numpy()
        start += cost.numel()
        indices = [
            torch.stack([torch.full(row.shape, layer), row, column])
            for layer, matrix in enumerate(matrices)
            for row, column in [map(torch.from_numpy, linear_sum_assignment(matrix))]
        ]
        matches.append(Matches(*torch.cat(indices, dim=1).to(device)))
    return matches
