"""A loss of one's own: a term beside those of the set loss."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from mmoneformer.models import MaskSetLoss
from mmoneformer.models.masked_decoder import QueryPredictions
from mmoneformer.registry import MODELS
from mmoneformer.structures import Targets


@MODELS.register_module()
class EntropySetLoss(MaskSetLoss):
    """``MaskSetLoss``, and the mean entropy of the queries' classes as ``loss_entropy``.

    Args:
        entropy_weight: Weight of the entropy.
        **kwargs: Of ``MaskSetLoss``.
    """

    def __init__(self, *, entropy_weight: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entropy_weight = entropy_weight

    def forward(
        self,
        predictions: Sequence[QueryPredictions],
        mask_features: Tensor,
        targets: Sequence[Targets],
        padded_size: tuple[int, int],
    ) -> dict[str, Tensor]:
        """Return the weighted losses; arguments as of ``MaskSetLoss``."""
        losses = super().forward(predictions, mask_features, targets, padded_size)
        log_probabilities = predictions[-1].class_logits.float().log_softmax(-1)  # [B, 1, Q, K + 1]
        entropy = -(log_probabilities.exp() * log_probabilities).sum(-1)
        losses['loss_entropy'] = self.entropy_weight * entropy.mean()
        return losses
