"""Hungarian matching of queries to targets (Mask2Former, arXiv 2112.01527, section 3.3)."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor

NEVER = 1e9  # finite, and higher than every cost that is computed


class CostWeights(NamedTuple):
    """Weights of the three terms, which the matching cost and the loss share."""

    classes: float
    mask: float
    dice: float


class Costs(NamedTuple):
    """Weighted terms of the cost of matching query q to target n, each float32 [L, Q, N]."""

    classes: Tensor
    mask: Tensor
    dice: Tensor

    @property
    def total(self) -> Tensor:
        """Sum of the terms."""
        return self.classes + self.mask + self.dice


class Matches(NamedTuple):
    """The M matched queries of one image, in all layers.

    Attributes:
        layers: Index of the layer, [M].
        queries: Index of the query, [M].
        targets: Index of its target, [M].
    """

    layers: Tensor
    queries: Tensor
    targets: Tensor


def matching_cost(
    class_logits: Tensor, point_logits: Tensor, labels: Tensor, point_targets: Tensor, weights: CostWeights
) -> Costs:
    """Cost of matching each query to each target of an image.

    Shapes: L layers, Q queries, K classes, N targets, P points.

    Args:
        class_logits: [L, Q, K + 1].
        point_logits: Mask logits at the points, [L, Q, P].
        labels: Class indices of the targets, [N].
        point_targets: Masks of the targets at the points, 0 to 1, [N, P].
        weights: Weights of the three terms.
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
    """Match queries to targets at the lowest total cost, for all layers and images, with one copy to the host.

    Costs that are NaN or infinite are logged, and their pairs are matched last. The loss is then NaN or infinite, too,
    which all processes find after the backward pass; an exception here would leave the other processes waiting.

    Args:
        costs: Costs of each image.

    Returns:
        Matches of each image, ordered by layer, on the device of the costs.
    """
    from scipy.optimize import linear_sum_assignment  # here: predicting does without it, and it takes half a second

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
        matches.append(Matches(*torch.cat(indices, dim=1).to(total.device, non_blocking=True)))
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
