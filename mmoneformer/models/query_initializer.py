"""The query initializer: object queries from the task token and the mask features (paper section 3.1)."""

import torch
from mmengine.model import caffe2_xavier_init
from torch import Tensor, nn

from mmoneformer.models.layers.attention import MultiHeadAttention
from mmoneformer.models.layers.feed_forward import FeedForward
from mmoneformer.models.layers.position_encoding import encode_axis, sine_encoding
from mmoneformer.models.ops.dropout import Dropout


class InitializerLayer(nn.Module):
    """A DETR decoder layer: self-attention, cross-attention, feed-forward; post-norm."""

    fsdp_unit = True

    def __init__(self, channels: int, *, feedforward_channels: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = MultiHeadAttention(channels, dropout=dropout)
        self.norm1 = nn.LayerNorm(channels)
        self.cross_attn = MultiHeadAttention(channels, dropout=dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.ffn = FeedForward(channels, hidden_channels=feedforward_channels, dropout=dropout)
        self.norm3 = nn.LayerNorm(channels)
        self.dropout = Dropout(dropout)

    def forward(self, queries: Tensor, query_positions: Tensor, keys: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Update the queries of all tasks; queries attend to those of their own task only.

        Args:
            queries: [B, T, Q, C].
            query_positions: [Q, C].
            keys: [B, H * W, C].
            rows: First half of the values: encodings of the grid's rows, [H, C / 2].
            columns: Second half: encodings of its columns, [W, C / 2].
        """
        batch, tasks = queries.shape[:2]
        queries = queries.flatten(0, 1)  # [B * T, Q, C]
        with_positions = queries + query_positions
        attended = self.self_attn(with_positions, with_positions, queries)
        queries = self.norm1(queries + self.dropout(attended))
        with_positions = (queries + query_positions).unflatten(0, (batch, tasks)).flatten(1, 2)  # [B, T * Q, C]
        attended = self.cross_attn.attend_to_grid(with_positions, keys, rows, columns)
        queries = self.norm2(queries + self.dropout(attended.unflatten(1, (tasks, -1)).flatten(0, 1)))
        queries = self.norm3(queries + self.dropout(self.ffn(queries)))
        return queries.unflatten(0, (batch, tasks))


class QueryInitializer(nn.Module):
    """Turns the task token into Q queries, the last of which is the token itself.

    Shapes: B images, T tasks, Q queries, C channels, H x W mask features.

    Args:
        channels: C.
        num_layers: Number of decoder layers.
        feedforward_channels: Hidden width of the feed-forward networks.
        dropout: Probability of dropout in training, in [0, 1).
    """

    def __init__(
        self, channels: int, *, num_layers: int = 2, feedforward_channels: int = 2048, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.input_proj = nn.Conv2d(channels, channels, 1)
        caffe2_xavier_init(self.input_proj)
        self.layers = nn.ModuleList(
            InitializerLayer(channels, feedforward_channels=feedforward_channels, dropout=dropout)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(channels)

    def forward(self, task_tokens: Tensor, query_positions: Tensor, mask_features: Tensor) -> Tensor:
        """Compute the initial queries of each task.

        The keys of the cross-attention contain image features and positions, its values the positions alone, as in the
        released weights.

        Args:
            task_tokens: After the norm, [B, T, C].
            query_positions: [Q, C].
            mask_features: [B, C, H, W].

        Returns:
            [B, T, Q, C].
        """
        height, width = mask_features.shape[-2:]
        channels, device = task_tokens.shape[-1], mask_features.device
        rows, columns = (encode_axis(length, channels // 2, device) for length in (height, width))
        keys = self.input_proj(mask_features).flatten(2).mT + sine_encoding((height, width), channels, device)
        queries = task_tokens[:, :, None].expand(-1, -1, len(query_positions) - 1, -1)
        for layer in self.layers:
            queries = layer(queries, query_positions[:-1], keys, rows, columns)
        return torch.cat((self.norm(queries), task_tokens[:, :, None]), dim=2)
