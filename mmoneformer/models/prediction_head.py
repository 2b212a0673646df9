"""Predicts a class and a mask from each query (Mask2Former, arXiv 2112.01527, section 3.1)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmoneformer.models.layers.feed_forward import MLP


class QueryPredictions(NamedTuple):
    """Predictions of Q queries for T tasks of B images.

    Attributes:
        class_logits: [B, T, Q, K + 1]; the last class is "no object".
        mask_embeddings: [B, T, Q, C]; their dot products with the mask features are the mask logits.
    """

    class_logits: Tensor
    mask_embeddings: Tensor


class PredictionHead(nn.Module):
    """LayerNorm, then a linear layer for the classes and an MLP of three layers for the mask embeddings.

    It is applied to the initial queries, and after each layer of the decoder.

    Args:
        channels: C, the width of the queries.
        num_classes: K, the number of classes without "no object".
    """

    def __init__(self, channels: int, *, num_classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.classify = nn.Linear(channels, num_classes + 1)
        self.embed_masks = MLP(channels, channels, channels, num_layers=3)

    def forward(self, queries: Tensor) -> QueryPredictions:
        """Predict classes and masks from queries, [B, T, Q, C]."""
        normed = self.norm(queries)
        return QueryPredictions(self.classify(normed), self.embed_masks(normed))


def mask_logits(mask_embeddings: Tensor, mask_features: Tensor) -> Tensor:
    """Mask logits [B, T, Q, H, W]: dot products of mask embeddings [B, T, Q, C] and mask features [B, C, H, W]."""
    return torch.einsum('btqc,bchw->btqhw', mask_embeddings, mask_features)
