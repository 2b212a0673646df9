"""The masked-attention decoder and its predictions (Mask2Former, arXiv 2112.01527, section 3; paper section 3.1)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmoneformer.models.layers.attention import MultiHeadAttention
from mmoneformer.models.layers.feed_forward import MLP, FeedForward
from mmoneformer.models.layers.position_encoding import sine_encoding
from mmoneformer.models.ops.dispatch import full_precision
from mmoneformer.models.pixel_decoder import PixelFeatures

NUM_LEVELS = 3


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


def mean_features(mask_logits: Tensor, mask_features: Tensor) -> Tensor:
    """Mean of mask features [B, C, H, W] inside of each mask, logits [B, Q, H, W]; zeros if it is empty; [B, Q, C].

    It tells a thing from others of its class better than the mask embedding does: that finds the thing, and has to
    leave out its color.
    """
    with full_precision(mask_features):  # sums of so many numbers are out of range in float16
        inside = (mask_logits > 0).to(mask_features.dtype)
        total = torch.einsum('bqhw,bchw->bqc', inside, mask_features)
        return total / inside.sum((2, 3)).clamp(min=1)[..., None]


class DecoderLayer(nn.Module):
    """Masked cross-attention, self-attention, feed-forward; post-norm, no dropout."""

    fsdp_unit = True

    def __init__(self, channels: int, *, feedforward_channels: int) -> None:
        super().__init__()
        self.cross_attn = MultiHeadAttention(channels)
        self.norm1 = nn.LayerNorm(channels)
        self.self_attn = MultiHeadAttention(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.ffn = FeedForward(channels, hidden_channels=feedforward_channels)
        self.norm3 = nn.LayerNorm(channels)

    def forward(self, queries: Tensor, query_positions: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Update the queries of all tasks; queries attend to those of their own task only.

        Args:
            queries: [B, T, Q, C].
            query_positions: [Q, C].
            keys: [B, S, C].
            values: [B, S, C].
            mask: bool [B, T, Q, S], true where a query may attend.
        """
        batch, tasks = queries.shape[:2]
        with_positions = (queries + query_positions).flatten(1, 2)  # [B, T * Q, C]
        attended = self.cross_attn(with_positions, keys, values, mask.flatten(1, 2))
        queries = self.norm1(queries.flatten(1, 2) + attended).unflatten(1, (tasks, -1)).flatten(0, 1)
        with_positions = queries + query_positions  # [B * T, Q, C]
        queries = self.norm2(queries + self.self_attn(with_positions, with_positions, queries))
        queries = self.norm3(queries + self.ffn(queries))
        return queries.unflatten(0, (batch, tasks))


class MaskedDecoder(nn.Module):
    """Updates the queries layer by layer; each query attends to the inside of its mask from the layer before.

    Shapes: B images, T tasks, Q queries, C channels, S tokens of a level.

    Args:
        channels: C.
        num_layers: Number of decoder layers; they attend to strides 32, 16, 8, 32, ... in turn.
        feedforward_channels: Hidden width of the feed-forward networks.
    """

    def __init__(self, channels: int, *, num_layers: int = 9, feedforward_channels: int = 2048) -> None:
        super().__init__()
        self.level_embed = nn.Parameter(torch.randn(NUM_LEVELS, channels))
        self.layers = nn.ModuleList(
            DecoderLayer(channels, feedforward_channels=feedforward_channels) for _ in range(num_layers)
        )

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention)."""
        return {'level_embed'}

    def forward(
        self,
        queries: Tensor,
        query_positions: Tensor,
        pixels: PixelFeatures,
        predict: PredictionHead,
        num_layers: int | None = None,
    ) -> list[QueryPredictions]:
        """Update the queries and predict from them.

        Args:
            queries: Initial queries, [B, T, Q, C].
            query_positions: [Q, C].
            pixels: Mask features and levels of the pixel decoder.
            predict: Predicts classes and masks from queries.
            num_layers: Layers that run, from the first; None for all.

        Returns:
            Predictions of the initial queries and after each layer that runs.
        """
        keys, values = self._memories(pixels.levels)
        small_features = _resize_features(pixels)
        predictions = [predict(queries)]
        for index, layer in enumerate(self.layers[:num_layers]):
            level = index % NUM_LEVELS
            mask = attention_mask(predictions[-1].mask_embeddings, small_features[level])
            queries = layer(queries, query_positions, keys[level], values[level], mask)
            predictions.append(predict(queries))
        return predictions

    def _memories(self, levels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Keys and values of each level, [B, S, C]; only the keys contain positions."""
        values = [level.flatten(2).mT + embed for level, embed in zip(levels, self.level_embed, strict=True)]
        keys = [
            value + sine_encoding((level.shape[-2], level.shape[-1]), value.shape[-1], value.device)
            for level, value in zip(levels, values, strict=True)
        ]
        return keys, values


@torch.no_grad()
def _resize_features(pixels: PixelFeatures) -> list[Tensor]:
    """Mask features at each level's size: resizing is linear, so this equals resizing each query's mask."""
    features = pixels.mask_features.contiguous(memory_format=torch.channels_last)  # not in each resizing
    return [
        F.interpolate(features, size=level.shape[-2:], mode='bilinear', align_corners=False) for level in pixels.levels
    ]


@torch.no_grad()
def attention_mask(mask_embeddings: Tensor, features: Tensor) -> Tensor:
    """Where each query may attend: inside its mask, or everywhere if the mask is empty.

    Args:
        mask_embeddings: [B, T, Q, C].
        features: Mask features at the level's size, [B, C, h, w].

    Returns:
        bool [B, T, Q, h * w].
    """
    inside = mask_logits(mask_embeddings, features).flatten(3) >= 0  # sigmoid >= 0.5
    return inside | ~inside.any(dim=-1, keepdim=True)
