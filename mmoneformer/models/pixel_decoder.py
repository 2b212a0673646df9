"""The pixel decoder: backbone maps -> mask features and three levels for the masked decoder (paper section 3.1)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import caffe2_xavier_init, xavier_init
from torch import Tensor, nn

from mmoneformer.models.layers.deformable_attention import DeformableAttention
from mmoneformer.models.layers.feed_forward import FeedForward
from mmoneformer.models.layers.position_encoding import cell_centers, level_scale, sine_encoding
from mmoneformer.models.ops.bag_sampling import Size
from mmoneformer.models.ops.checkpointing import maybe_checkpoint
from mmoneformer.models.ops.dispatch import full_precision
from mmoneformer.models.ops.dropout import Dropout
from mmoneformer.registry import MODELS

GROUPS = 32


class PixelFeatures(NamedTuple):
    """Output of the pixel decoder.

    Attributes:
        mask_features: [B, C, H/4, W/4]; mask logits are their dot products with mask embeddings.
        levels: Strides 32, 16, 8, each [B, C, H_i, W_i].
    """

    mask_features: Tensor
    levels: list[Tensor]


class EncoderLayer(nn.Module):
    """Deformable self-attention over all levels, then a feed-forward network; both post-norm."""

    fsdp_unit = True

    def __init__(self, channels: int, *, num_levels: int, feedforward_channels: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = DeformableAttention(channels, num_levels=num_levels)
        self.norm1 = nn.LayerNorm(channels)
        self.ffn = FeedForward(channels, hidden_channels=feedforward_channels, dropout=dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.dropout = Dropout(dropout)

    def forward(
        self, tokens: Tensor, positions: Tensor, reference: Tensor, sizes: list[Size], scale: Tensor
    ) -> Tensor:
        """Update the tokens of all levels.

        Args:
            tokens: [B, S, C]; the levels one after another, each row by row.
            positions: Their position encoding, [S, C].
            reference: Their coordinates (x, y) in 0..1, [S, 2].
            sizes: Height and width of each level.
            scale: The same as (width, height), [L, 2].

        Returns:
            [B, S, C].
        """
        attended = self.self_attn(tokens + positions, tokens, reference, sizes, scale)
        tokens = self.norm1(tokens + self.dropout(attended))
        return self.norm2(tokens + self.dropout(self.ffn(tokens)))


@MODELS.register_module()
class MSDeformAttnPixelDecoder(nn.Module):
    """Multi-scale deformable attention over strides 32, 16, 8, and one FPN step to stride 4.

    It runs in float32, also under autocast: sampling locations need the precision.

    Shapes: B images, C channels, S tokens of strides 32, 16 and 8 together, H x W pixels of the padded input.

    Args:
        in_channels: Channels of the backbone's maps of strides 4, 8, 16, 32; ``OneFormer`` passes them.
        channels: C, a multiple of 32.
        num_layers: Encoder layers.
        feedforward_channels: Hidden width of the encoder's feed-forward networks.
        dropout: Probability of dropout in the encoder, in training.
        with_cp: Whether to use gradient checkpointing in the encoder layers.

    Raises:
        ValueError: If ``in_channels`` are not four, or ``channels`` is no multiple of 32.
    """

    def __init__(
        self,
        *,
        in_channels: Sequence[int],
        channels: int,
        num_layers: int = 6,
        feedforward_channels: int = 1024,
        dropout: float = 0.1,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        if len(in_channels) != 4:
            raise ValueError(f'in_channels must be those of strides 4, 8, 16 and 32, got {list(in_channels)}')
        if channels % GROUPS:
            raise ValueError(f'channels must be a multiple of {GROUPS} (group norm), got {channels}')
        self.with_cp = with_cp
        stride4, *others = in_channels
        self.input_projs = nn.ModuleList(_projection(width, channels) for width in reversed(others))
        self.level_embed = nn.Parameter(torch.randn(len(others), channels))
        self.layers = nn.ModuleList(
            EncoderLayer(channels, num_levels=len(others), feedforward_channels=feedforward_channels, dropout=dropout)
            for _ in range(num_layers)
        )
        self.lateral = nn.Sequential(nn.Conv2d(stride4, channels, 1, bias=False), nn.GroupNorm(GROUPS, channels))
        self.output = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.GroupNorm(GROUPS, channels), nn.ReLU()
        )
        self.mask_features = nn.Conv2d(channels, channels, 1)
        for conv in (self.lateral[0], self.output[0], self.mask_features):
            caffe2_xavier_init(conv)

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention)."""
        return {'level_embed'}

    def forward(self, features: Sequence[Tensor]) -> PixelFeatures:
        """Decode the backbone's maps of strides 4, 8, 16, 32, each [B, C_i, H_i, W_i]."""
        if len(features) != 4:
            raise ValueError(
                f'the backbone gives {len(features)} maps, not 4 of strides 4, 8, 16, 32: see out_indices'
            )
        with full_precision(features[0]):
            # group norms are twice as slow on channels-last maps, in which convolutional backbones compute
            stride4, *others = (feature.float().contiguous() for feature in features)
            levels = [project(feature) for project, feature in zip(self.input_projs, reversed(others), strict=True)]
            levels = self._encode(levels)
            upsampled = F.interpolate(
                levels[-1].contiguous(), size=stride4.shape[-2:], mode='bilinear', align_corners=False
            )
            finest = self.output(self.lateral(stride4) + upsampled)
            return PixelFeatures(self.mask_features(finest), levels)

    def _encode(self, levels: list[Tensor]) -> list[Tensor]:
        """Run the encoder on levels [B, C, H_i, W_i]."""
        sizes: list[Size] = [(level.shape[-2], level.shape[-1]) for level in levels]
        device, channels = levels[0].device, levels[0].shape[1]
        positions = [
            sine_encoding(size, channels, device) + embed for size, embed in zip(sizes, self.level_embed, strict=True)
        ]
        all_positions = torch.cat(positions)  # [S, C]
        reference = torch.cat([cell_centers(size, device) for size in sizes])  # [S, 2]
        scale = level_scale(sizes, device)
        tokens = torch.cat([level.flatten(2) for level in levels], dim=-1).mT  # [B, S, C]
        for layer in self.layers:
            tokens = maybe_checkpoint(layer, tokens, all_positions, reference, sizes, scale, recompute=self.with_cp)
        parts = tokens.mT.split([height * width for height, width in sizes], dim=-1)
        return [part.unflatten(-1, size) for part, size in zip(parts, sizes, strict=True)]


def _projection(in_channels: int, channels: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, channels, 1)
    xavier_init(conv, distribution='uniform')
    return nn.Sequential(conv, nn.GroupNorm(GROUPS, channels))
