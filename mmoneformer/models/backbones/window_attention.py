"""Attention within the shifted windows of Swin (arXiv 2103.14030, section 3.2)."""

from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Size = tuple[int, int]
SEPARATION = 100.0  # subtracted from the scores of tokens that only the cyclic shift has brought into one window


class WindowGroup(NamedTuple):
    """Windows that the map's border cuts in the same way, or not at all.

    Attributes:
        num_windows: Number of windows, of all images.
        separated: Pairs of tokens that must not attend to each other, bool [N, N] for N tokens, or if windows differ
            [windows, 1, N, N]; None for no pair.
    """

    num_windows: int
    separated: Tensor | None


class WindowLayout(NamedTuple):
    """How B maps of H x W tokens are arranged in W windows of N tokens each, which may extend beyond the maps.

    Attributes:
        to_windows: Index of the token at each position in the windows, B * H * W beyond a map; [B * W * N].
        from_windows: Position of each token in the windows, [B * H * W].
        groups: The windows, in order.
    """

    to_windows: Tensor
    from_windows: Tensor
    groups: list[WindowGroup]


def lay_windows(batch: int, size: Size, *, window: int, shift: int, device: torch.device) -> WindowLayout:
    """Arrange maps in windows, from the top left corner, after a cyclic shift to the top left.

    Args:
        batch: B.
        size: Height and width of the maps.
        window: Side of a window.
        shift: Tokens to shift by, less than a window.
        device: Device of the indices.
    """
    height, width = size
    if not isinstance(height, int):
        return lay_windows_for_all_sizes(batch, size, window=window, shift=shift, device=device)
    beyond = batch * height * width
    row, column = (_shifted_axis(length, window, shift, device) for length in size)
    row, column = row[:, None, :, None], column[None, :, None, :]  # [W_y, W_x, window, window] when broadcast
    image = torch.arange(batch, device=device)[:, None, None, None, None] * (height * width)
    tokens = torch.where((row < height) & (column < width), image + row * width + column, beyond)
    parts, groups = [], []
    sides = ((slice(0, -1), False), (slice(-1, None), True)) if shift else ((slice(None), False),)
    for (rows, last_row), (columns, last_column) in product(sides, sides):
        part = tokens[:, rows, columns].flatten()
        parts.append(part)
        num_windows = part.shape[0] // window**2
        groups.append(WindowGroup(num_windows, _separated(window, shift, last_row, last_column, device)))
    to_windows = torch.cat(parts)
    positions = torch.arange(to_windows.shape[0], device=device)
    from_windows = positions.new_empty(beyond + 1).index_copy(0, to_windows, positions)[:-1]
    return WindowLayout(to_windows, from_windows, groups)


def lay_windows_for_all_sizes(
    batch: int, size: Size, *, window: int, shift: int, device: torch.device
) -> WindowLayout:
    """``lay_windows`` while a graph for all sizes is recorded: one group, as any of the others may have no window.

    No tensor has an axis with one entry for each window of a row or column: there may be one such window, which torch
    would record as a graph of its own.
    """
    height, width = size
    rows, columns = ((side + window - 1) // window for side in size)  # number of windows along each axis
    positions = torch.arange(batch * rows * columns * window**2, device=device)
    index = positions // window**2  # of the window
    row = positions // window % window + remainder(index // columns, rows) * window
    column = positions % window + remainder(index, columns) * window
    region = 2 * (row >= rows * window - shift) + 1 * (column >= columns * window - shift)
    row, column = remainder(row + shift, rows * window), remainder(column + shift, columns * window)
    token = index // (rows * columns) * (height * width) + row * width + column
    beyond = batch * height * width
    to_windows = torch.where((row < height) & (column < width), token, beyond)
    from_windows = positions.new_empty(beyond + 1).index_copy(0, to_windows, positions)[:-1]
    region = region.view(-1, 1, window**2)
    separated = region[..., None] != region[:, :, None] if shift else None
    return WindowLayout(to_windows, from_windows, [WindowGroup(batch * rows * columns, separated)])


def remainder(values: Tensor, divisor: int) -> Tensor:
    """Remainders of values >= 0; the converter to ONNX has none for a divisor that is a size."""
    return values - values // divisor * divisor


def _shifted_axis(length: int, window: int, shift: int, device: torch.device) -> Tensor:
    """Positions along an axis, window by window, [windows, window]; those >= length are beyond the map."""
    padded = length + missing(length, window)
    return torch.arange(padded, device=device).roll(-shift).unflatten(0, (-1, window))


def missing(length: int, multiple: int) -> int:
    """What is missing to the next multiple; not by modulo, which torch 2.13 does not compile for a varying length.

    Nor by division of negative numbers, which an exported graph rounds towards zero.
    """
    return (length + multiple - 1) // multiple * multiple - length


def _separated(window: int, shift: int, last_row: bool, last_column: bool, device: torch.device) -> Tensor | None:
    """Pairs of tokens of which the cyclic shift has moved only one to the other end of the map."""
    if not (last_row or last_column):
        return None
    moved = torch.arange(window, device=device) >= window - shift
    region = 2 * (moved & last_row)[:, None] + (moved & last_column)
    return region.flatten()[:, None] != region.flatten()


class WindowAttention(nn.Module):
    """Multi-head attention among the tokens of a window, with a learned bias for each relative position.

    Parameter names are those of mmdet's Swin.

    Shapes: N tokens of a window, C channels.

    Args:
        channels: C, a multiple of the number of heads.
        num_heads: Number of heads.
        window: Side of a window, in tokens.
    """

    relative_position_index: Tensor

    def __init__(self, channels: int, *, num_heads: int, window: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.head_channels = channels // num_heads
        side = 2 * window - 1
        self.relative_position_bias_table = nn.Parameter(torch.empty(side * side, num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        position = torch.arange(window)
        offset = position[:, None] - position + window - 1  # along an axis, query minus key, from 0
        index = side * offset[:, None, :, None] + offset[None, :, None, :]
        self.register_buffer('relative_position_index', index.reshape(window**2, window**2))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention)."""
        return {'relative_position_bias_table'}

    def forward(self, tokens: Tensor, layout: WindowLayout) -> Tensor:
        """Attend, [B, H * W, C] to [B, H * W, C]; zeros fill windows beyond the maps, and are attended to."""
        rows = tokens.flatten(0, 1)
        beyond = layout.to_windows.shape[0] - layout.from_windows.shape[0]
        if not isinstance(beyond, int) or beyond:  # not known while a graph for all sizes is recorded
            rows = torch.cat((rows, rows.new_zeros(1, rows.shape[1])))  # one row for all positions beyond the maps
        projected = self.qkv(rows).index_select(0, layout.to_windows)
        windows = projected.view(-1, len(self.relative_position_index), 3, self.num_heads, self.head_channels)
        attended = self._attend_in_groups(windows, layout.groups).flatten(2).flatten(0, 1)
        return self.proj(attended.index_select(0, layout.from_windows)).view(tokens.shape)

    def _attend_in_groups(self, windows: Tensor, groups: list[WindowGroup]) -> Tensor:
        """Attend within windows, [windows, N, 3, heads, C / heads] to [windows, N, heads, C / heads]."""
        bias = F.embedding(self.relative_position_index, self.relative_position_bias_table)
        bias = bias.permute(2, 0, 1).contiguous()[None]  # [1, heads, N, N]
        if len(groups) == 1:
            attended = _attend(windows, bias, groups[0].separated)
            return attended if isinstance(groups[0].num_windows, int) else torch.cat([attended])  # tokens in order
        parts = windows.split([group.num_windows for group in groups])
        return torch.cat([_attend(part, bias, group.separated) for part, group in zip(parts, groups, strict=True)])


def _attend(windows: Tensor, bias: Tensor, separated: Tensor | None) -> Tensor:
    """Attend within windows that are cut in the same way; bias: [1, heads, N, N]."""
    if separated is not None:
        bias = bias.sub(separated.to(bias.dtype), alpha=SEPARATION)
    query, key, value = windows.permute(2, 0, 3, 1, 4)  # [windows, heads, N, C / heads]
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias).transpose(1, 2)
