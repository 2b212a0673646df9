"""The set loss: class, mask and dice loss of matched queries, for each layer (Mask2Former, arXiv 2112.01527)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn

from mmoneformer.models.losses.matcher import Costs, CostWeights, Matches, assign, matching_cost
from mmoneformer.models.losses.point_sampling import read_points, uncertain_points
from mmoneformer.models.masked_decoder import QueryPredictions
from mmoneformer.models.ops.dispatch import full_precision, layers_per_step, masks_per_step
from mmoneformer.registry import MODELS
from mmoneformer.structures import Targets


@MODELS.register_module()
class MaskSetLoss(nn.Module):
    """Matches queries to targets, and compares their classes and masks at points (Mask2Former, section 3.3).

    Matching samples the mask *features* at the points, which gives the same values as sampling the masks. Only the
    masks of matched queries are computed at all locations.

    Divisors are averages over all processes, so that neither the loss nor the gradients depend on how a batch is
    distributed.

    Shapes: L predictions (decoder layers + 1), B images, Q queries, C width, K classes, N_b targets of image b,
    P points, M matched queries of all layers.

    Args:
        class_weight: Weight of the cross-entropy of the classes, in the loss and in the matching cost.
        mask_weight: Weight of the binary cross-entropy at the points, in both.
        dice_weight: Weight of the dice loss at the points, in both.
        no_object_weight: Weight of "no object" in the cross-entropy of the classes; that of a class is 1.
        num_points: P.
    """

    def __init__(
        self,
        *,
        class_weight: float = 2.0,
        mask_weight: float = 5.0,
        dice_weight: float = 5.0,
        no_object_weight: float = 0.1,
        num_points: int = 12544,
    ) -> None:
        super().__init__()
        self.weights = CostWeights(class_weight, mask_weight, dice_weight)
        self.no_object_weight = no_object_weight
        self.num_points = num_points

    def forward(
        self,
        predictions: Sequence[QueryPredictions],
        mask_features: Tensor,
        targets: Sequence[Targets],
        padded_size: tuple[int, int],
    ) -> dict[str, Tensor]:
        """Compute the weighted losses of each layer, in float32 also under autocast.

        Args:
            predictions: Predictions of each layer, of one task per image: class logits [B, 1, Q, K + 1] and mask
                embeddings [B, 1, Q, C].
            mask_features: [B, C, H/4, W/4].
            targets: Targets of each of the B images.
            padded_size: Height H and width W of the padded images, in pixels.

        Returns:
            Scalars: ``loss_cls``, ``loss_mask`` and ``loss_dice`` of the last layer, and ``d{i}.loss_cls`` ... of
            each other layer i.
        """
        with full_precision(mask_features):
            class_logits = torch.stack([layer.class_logits.squeeze(1).float() for layer in predictions])
            embeddings = torch.stack([layer.mask_embeddings.squeeze(1).float() for layer in predictions])
            features = mask_features.float()
            matches = self.match(class_logits, embeddings, features, targets, padded_size)
            class_losses = self.class_loss(class_logits, targets, matches)
            mask_losses, dice_losses = self.mask_losses(embeddings, features, targets, matches, padded_size)
            losses = zip(self.weights, (class_losses, mask_losses, dice_losses), strict=True)
            return _name_losses(torch.stack([weight * loss for weight, loss in losses], dim=1))

    @torch.no_grad()
    def match(
        self,
        class_logits: Tensor,
        embeddings: Tensor,
        features: Tensor,
        targets: Sequence[Targets],
        padded_size: tuple[int, int],
    ) -> list[Matches]:
        """Match the queries of all layers to the targets, at random points that the layers of an image share.

        Args:
            class_logits: [L, B, Q, K + 1].
            embeddings: Mask embeddings, [L, B, Q, C].
            features: Mask features, [B, C, H/4, W/4].
            targets: Targets of each of the B images.
            padded_size: Height H and width W of the padded images, in pixels.

        Returns:
            Matches of each image.
        """
        points = torch.rand(len(features), self.num_points, 2, device=features.device)
        point_features = read_points(features, points)  # [B, C, P]
        step = layers_per_step(embeddings)
        costs = []
        for image, wanted in enumerate(targets):
            numbers = torch.arange(len(wanted), device=features.device)
            point_targets = wanted.masks.sample(numbers, points[image, None], padded_size)  # [N, P]
            of_layers = zip(class_logits[:, image].split(step), embeddings[:, image].split(step), strict=True)
            parts = [
                matching_cost(logits, queries @ point_features[image], wanted.labels, point_targets, self.weights)
                for logits, queries in of_layers
            ]
            costs.append(Costs(*map(torch.cat, zip(*parts, strict=True))))
        return assign(costs)

    def class_loss(
        self,
        class_logits: Tensor,
        targets: Sequence[Targets],
        matches: Sequence[Matches],
    ) -> Tensor:
        """Weighted cross-entropy of the classes, divided by the sum of the weights.

        Args:
            class_logits: [L, B, Q, K + 1].
            targets: Targets of each of the B images.
            matches: Matches of each image; a query without a target is to predict "no object".

        Returns:
            [L].
        """
        no_object = class_logits.shape[-1] - 1
        classes = class_logits.new_full(class_logits.shape[:-1], no_object, dtype=torch.int64)
        for image, (wanted, match) in enumerate(zip(targets, matches, strict=True)):
            classes[match.layers, image, match.queries] = wanted.labels[match.targets]
        weight = torch.cat((class_logits.new_ones(no_object), class_logits.new_full((1,), self.no_object_weight)))
        unlabeled = [wanted.unlabeled for wanted in targets]
        if any(unlabeled):
            class_logits = _free_unmatched(class_logits, classes == no_object, unlabeled)
        losses = F.cross_entropy(class_logits.flatten(0, 2), classes.flatten(), weight, reduction='none')
        divisor = weight[classes].flatten(1).sum(1)
        all_reduce(divisor, op='mean')
        return losses.view(len(class_logits), -1).sum(1) / divisor

    def mask_losses(
        self,
        embeddings: Tensor,
        features: Tensor,
        targets: Sequence[Targets],
        matches: Sequence[Matches],
        padded_size: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        """Binary cross-entropy and dice loss at points of the matched masks, divided by the number of targets.

        Args:
            embeddings: Mask embeddings, [L, B, Q, C].
            features: Mask features, [B, C, H/4, W/4].
            targets: Targets of each of the B images.
            matches: Matches of each image.
            padded_size: Height H and width W of the padded images, in pixels.

        Returns:
            Two tensors [L].
        """
        maps = torch.cat(
            [
                torch.einsum('mc,chw->mhw', embeddings[match.layers, image, match.queries], features[image])
                for image, match in enumerate(matches)
            ]
        )[:, None]  # [M, 1, H/4, W/4], image by image
        points = uncertain_points(maps, self.num_points)  # [M, P, 2]
        point_logits = read_points(maps, points).squeeze(1)
        image_points = points.split([len(match.targets) for match in matches])
        step = masks_per_step(maps)
        point_targets = torch.cat(
            [
                wanted.masks.sample(numbers, some_points, padded_size)
                for wanted, match, own_points in zip(targets, matches, image_points, strict=True)
                for numbers, some_points in zip(match.targets.split(step), own_points.split(step), strict=True)
            ]
        )
        layers = torch.cat([match.layers for match in matches])
        divisor = _mean_number_of_masks(targets, features.device)
        per_mask = torch.stack((mask_loss(point_logits, point_targets), dice_loss(point_logits, point_targets)))
        mask_losses, dice_losses = per_mask.new_zeros(2, len(embeddings)).index_add(1, layers, per_mask) / divisor
        return mask_losses, dice_losses


def _free_unmatched(class_logits: Tensor, unmatched: Tensor, unlabeled: Sequence[Sequence[int]]) -> Tensor:
    """Merge "no object" with the unlabeled classes of an image, for the queries without a target.

    The annotation only says that such a query is not an object *of a labeled class*. So the loss makes the event "no
    object, or an object of an unlabeled class" likely, whose probability is the sum of theirs (arXiv 2002.00718): its
    logit replaces that of "no object", and the unlabeled classes get the logit -inf.

    Args:
        class_logits: [L, B, Q, K + 1].
        unmatched: Whether a query has no target, bool [L, B, Q].
        unlabeled: Unlabeled classes of each of the B images.

    Returns:
        [L, B, Q, K + 1].
    """
    free = torch.zeros(class_logits.shape[1], class_logits.shape[-1], dtype=torch.bool, device=class_logits.device)
    for image, classes in enumerate(unlabeled):
        free[image, list(classes)] = True
    free = free[:, None] & unmatched[..., None]  # [L, B, Q, K + 1]
    event = free.clone()
    event[..., -1] = True
    merged = class_logits.masked_fill(~event, -torch.inf).logsumexp(-1, keepdim=True)
    others = class_logits[..., :-1].masked_fill(free[..., :-1], -torch.inf)
    return torch.cat((others, merged), dim=-1)


def mask_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy of logits and targets at points, [M, P], averaged over the points of each mask; [M]."""
    return F.binary_cross_entropy_with_logits(logits, targets, reduction='none').mean(1)


def dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """One minus the dice coefficient of logits and targets at points, [M, P], smoothed by 1; [M]."""
    probabilities = logits.sigmoid()
    overlap = 2 * (probabilities * targets).sum(1)
    return 1 - (overlap + 1) / (probabilities.sum(1) + targets.sum(1) + 1)


def _mean_number_of_masks(targets: Sequence[Targets], device: torch.device) -> Tensor:
    """Average number of targets per process; the sum over all processes counts as 1 at least."""
    count = torch.full((), float(sum(map(len, targets))), device=device)
    all_reduce(count)
    return count.clamp(min=1) / get_world_size()


def _name_losses(per_layer: Tensor) -> dict[str, Tensor]:
    """Name losses [L, 3] as mmdet does: without a prefix for the last layer, ``d{i}.`` for layer i."""
    names = ('loss_cls', 'loss_mask', 'loss_dice')
    *earlier, last = per_layer
    losses = dict(zip(names, last, strict=True))
    for layer, values in enumerate(earlier):
        losses.update({f'd{layer}.{name}': value for name, value in zip(names, values, strict=True)})
    return losses
