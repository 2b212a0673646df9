"""The set loss: class, mask and dice loss of matched queries, for each layer (Mask2Former, section 3.3)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn

from mmoneformer.models.losses.matcher import Costs, CostWeights, Matches, assign, matching_cost
from mmoneformer.models.losses.point_sampling import read_points, uncertain_points
from mmoneformer.models.ops.chunk_sizes import layers_per_step, masks_per_step
from mmoneformer.models.ops.dispatch import full_precision
from mmoneformer.models.prediction_head import QueryPredictions
from mmoneformer.registry import MODELS
from mmoneformer.structures import Targets


@MODELS.register_module()
class MaskSetLoss(nn.Module):
    """Matches queries to targets and compares their classes and masks.

    Masks are never written out where they are not read: matching samples the mask *features* at the points, which
    equals sampling the masks; full masks exist of matched queries alone.

    Divisors are averages over all processes: how a batch is shared among them changes neither loss nor gradient.

    Shapes: L predictions (layers + 1), B images, Q queries, C width, K classes, N_b targets of image b, P points,
    M matched queries of all layers.

    Args:
        class_weight: Of the cross-entropy.
        mask_weight: Of the binary cross-entropy of mask points.
        dice_weight: Of the dice loss of mask points.
        no_object_weight: Weight of "no object" among the classes.
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
        """Weighted losses of each layer, in float32, under autocast too.

        Args:
            predictions: Of each layer, one task per image: class logits [B, 1, Q, K + 1], mask embeddings
                [B, 1, Q, C].
            mask_features: [B, C, H/4, W/4].
            targets: Of each of the B images.
            padded_size: Height and width of the padded images, in pixels.

        Returns:
            ``loss_cls``, ``loss_mask`` and ``loss_dice`` of the last layer; those of layer i, ``d{i}.loss_cls`` ....
        """
        with full_precision(mask_features):
            class_logits = torch.stack([layer.class_logits.squeeze(1).float() for layer in predictions])
            embeddings = torch.stack([layer.mask_embeddings.squeeze(1).float() for layer in predictions])
            features = mask_features.float()
            matches = self.match(class_logits, embeddings, features, targets, padded_size)
            class_losses = self.class_loss(class_logits, targets, matches)
            mask_losses, dice_losses = self.mask_losses(embeddings, features, targets, matches, padded_size)
            per_layer = torch.stack((class_losses, mask_losses, dice_losses), dim=1)  # [L, 3]
            return _name_losses(per_layer * per_layer.new_tensor(self.weights))

    @torch.no_grad()
    def match(
        self,
        class_logits: Tensor,
        embeddings: Tensor,
        features: Tensor,
        targets: Sequence[Targets],
        padded_size: tuple[int, int],
    ) -> list[Matches]:
        """Match the queries of all layers, at random points shared by the layers of an image."""
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
        """Cross-entropy of class logits [L, B, Q, K + 1], over the sum of class weights of a process; [L]."""
        no_object = class_logits.shape[-1] - 1
        classes = class_logits.new_full(class_logits.shape[:-1], no_object, dtype=torch.int64)
        for image, (wanted, match) in enumerate(zip(targets, matches, strict=True)):
            classes[match.layers, image, match.queries] = wanted.labels[match.targets]
        weight = class_logits.new_ones(no_object + 1)
        weight[no_object] = self.no_object_weight
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
        """Cross-entropy and dice loss of the matched masks' points, over the number of masks; [L] each."""
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
    """Logits [L, B, Q, K + 1] with which an unmatched query is free to be of a class that its image does not label.

    The annotation says that it is no object *of a labeled class*. So what is to be likely is the event "no object, or
    one of an unlabeled class", whose probability is the sum of theirs (as in arXiv 2002.00718): its logit takes the
    place of "no object", and the unlabeled classes have none beside it.
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
    """Binary cross-entropy of points [M, P], averaged over each mask's points; [M]."""
    return F.binary_cross_entropy_with_logits(logits, targets, reduction='none').mean(1)


def dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """One minus the (smoothed) dice coefficient of points [M, P]; [M]."""
    probabilities = logits.sigmoid()
    overlap = 2 * (probabilities * targets).sum(1)
    return 1 - (overlap + 1) / (probabilities.sum(1) + targets.sum(1) + 1)


def _mean_number_of_masks(targets: Sequence[Targets], device: torch.device) -> Tensor:
    """Number of targets, at least 1 over all processes, averaged over them."""
    count = torch.tensor(float(sum(map(len, targets))), device=device)
    all_reduce(count)
    return count.clamp(min=1) / get_world_size()


def _name_losses(per_layer: Tensor) -> dict[str, Tensor]:
    """Give losses [L, 3] mmdet's names: the last layer's plain, the others' with their number."""
    names = ('loss_cls', 'loss_mask', 'loss_dice')
    *earlier, last = per_layer
    losses = dict(zip(names, last, strict=True))
    for layer, values in enumerate(earlier):
        losses.update({f'd{layer}.{name}': value for name, value in zip(names, values, strict=True)})
    return losses
