"""What is read off the queries, after the initializer and after each decoder layer: classes and masks."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmoneformer.models.layers.feed_forward import MLP


class QueryPredictions(NamedTuple):
    """What Q queries say.

    Attributes:
        class_logits: [B, T, Q, K + 1]; the last class is "no object".
        mask_embeddings: [B, T, Q, C]; their dot product with the mask features are the mask logits.
    """

    class_logits: Tensor
    mask_embeddings: Tensor


class PredictionHead(nn.Module):
    """Norm, then a linear layer for the classes and a three-layer network for the masks.

    Args:
        channels: C, width of the queries.
        num_classes: K, without "no object".
    """

    def __init__(self, channels: int, *, num_classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.classify = nn.Linear(channels, num_classes + 1)
        self.embed_masks = MLP(channels, channels, channels, num_layers=3)

    def forward(self, queries: Tensor) -> QueryPredictions:
        """Predict from queries [B, T, Q, C]."""
        normed = self.norm(queries)
        return QueryPredictions(self.classify(normed), self.embed_masks(normed))


def mask_logits(mask_embeddings: Tensor, mask_features: Tensor) -> Tensor:
    """Dot products of embeddings [B, T, Q, C] and features [B, C, H, W]: [B, T, Q, H, W]."""
    return torch.einsum('btqc,bchw->btqhw', mask_embeddings, mask_features)
