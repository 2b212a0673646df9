"""DiNAT, the dilated neighborhood attention transformer (arXiv 2209.15001)."""

from collections.abc import Sequence
from functools import partial

import torch
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn
from torch.nn import functional as F

from mmoneformer.models.backbones.pretrained import PretrainedBackbone
from mmoneformer.models.ops.checkpointing import maybe_checkpoint
from mmoneformer.models.ops.neighborhood_attention import neighborhood_attention
from mmoneformer.registry import MODELS


@MODELS.register_module()
class DiNAT(PretrainedBackbone):
    """DiNAT as a backbone, with a layer norm on each output.

    Parameter names are those of the authors' ImageNet weights.

    Shapes: B images, C_i = embed_dims * 2^i channels of level i, H x W pixels.

    Args:
        embed_dims: C_0.
        num_heads: Number of heads of each level.
        dilations: Dilation of each block of each level, which also gives the number of blocks.
        kernel_size: Number of neighbors along an axis, odd.
        mlp_ratio: Hidden channels of a block's feed-forward network, relative to its channels.
        drop_path_rate: Stochastic depth: probability that the last block is skipped in training; it grows linearly
            from 0 at the first block.
        out_indices: Indices of the levels whose outputs are returned.
        with_cp: Whether to use gradient checkpointing in the blocks.
        init_cfg: Initialization, as in mmengine; by default that of the authors.

    Raises:
        ValueError: If ``dilations`` and ``num_heads`` differ in length.
    """

    def __init__(
        self,
        *,
        embed_dims: int,
        num_heads: Sequence[int],
        dilations: Sequence[Sequence[int]],
        kernel_size: int = 7,
        mlp_ratio: float = 2.0,
        drop_path_rate: float = 0.0,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg or {'type': 'TruncNormal', 'layer': 'Linear', 'std': 0.02})
        if len(dilations) != len(num_heads):
            raise ValueError(f'{len(dilations)} levels of dilations, but num_heads {list(num_heads)}')
        self.out_indices = tuple(out_indices)
        depths = [len(level) for level in dilations]
        rates = torch.linspace(0, drop_path_rate, sum(depths)).split(depths)
        block = partial(DiNATBlock, kernel_size=kernel_size, mlp_ratio=mlp_ratio)
        self.patch_embed = PatchEmbedding(embed_dims)
        self.levels = nn.ModuleList()
        for index, heads in enumerate(num_heads):
            channels = embed_dims * 2**index
            blocks = (
                block(channels, num_heads=heads, dilation=dilation, drop_path_rate=rate)
                for dilation, rate in zip(dilations[index], rates[index].tolist(), strict=True)
            )
            is_last = index == len(num_heads) - 1
            downsample = nn.Identity() if is_last else Downsampling(channels)
            self.levels.append(DiNATLevel(nn.Sequential(*blocks), downsample, with_cp=with_cp))
        for index in self.out_indices:
            self.add_module(f'norm{index}', nn.LayerNorm(embed_dims * 2**index))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the feature maps of the levels in ``out_indices``.

        Args:
            images: Normalized images, [B, 3, H, W].

        Returns:
            Feature maps of strides 4, 8, 16, 32, each [B, C_i, H / stride, W / stride].
        """
        maps = []
        x = self.patch_embed(images)
        for index, level in enumerate(self.levels):
            tokens, x = level(x)  # [B, H, W, C_i]
            if index in self.out_indices:
                normed = self.get_submodule(f'norm{index}')(tokens)
                maps.append(normed.permute(0, 3, 1, 2).contiguous())
        return tuple(maps)


class PatchEmbedding(nn.Module):
    """Two convolutions of stride 2, and a norm.

    Args:
        channels: C, of the output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(
            nn.Conv2d(3, channels // 2, kernel_size=3, stride=2, padding=1),
            nn.Conv2d(channels // 2, channels, kernel_size=3, stride=2, padding=1),
        )
        self.norm = nn.LayerNorm(channels)

    def forward(self, images: Tensor) -> Tensor:
        """Map [B, 3, H, W] to [B, H / 4, W / 4, C]."""
        return self.norm(self.proj(images).permute(0, 2, 3, 1))


class DiNATLevel(nn.Module):
    """The blocks of one resolution, and the downsampling to the next.

    Args:
        blocks: Keep the shape.
        downsample: Computes the input of the next level.
        with_cp: Whether to use gradient checkpointing in the blocks.
    """

    def __init__(self, blocks: nn.Sequential, downsample: nn.Module, *, with_cp: bool) -> None:
        super().__init__()
        self.with_cp = with_cp
        self.blocks = blocks
        self.downsample = downsample

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute this level's output and the next level's input, from [B, H, W, C]."""
        for block in self.blocks:
            x = maybe_checkpoint(block, x, recompute=self.with_cp)
        return x, self.downsample(x)


class Downsampling(nn.Module):
    """Convolution of stride 2 that doubles the channels, and a norm.

    Args:
        channels: C, of the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Conv2d(channels, 2 * channels, kernel_size=3, stride=2, padding=1, bias=False)
        self.norm = nn.LayerNorm(2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, H, W, C] to [B, H / 2, W / 2, 2 C]."""
        return self.norm(self.reduction(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))


class DiNATBlock(nn.Module):
    """Pre-norm transformer block with neighborhood attention.

    Args:
        channels: C.
        num_heads: Number of heads.
        kernel_size: Number of neighbors along an axis.
        dilation: Distance between neighbors.
        mlp_ratio: Hidden channels of the feed-forward network, relative to C.
        drop_path_rate: Probability that a residual branch is skipped in training.
    """

    fsdp_unit = True

    def __init__(
        self,
        channels: int,
        *,
        num_heads: int,
        kernel_size: int,
        dilation: int,
        mlp_ratio: float,
        drop_path_rate: float,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = NeighborhoodAttention(channels, num_heads=num_heads, kernel_size=kernel_size, dilation=dilation)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Perceptron(channels, int(mlp_ratio * channels))
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, H, W, C] to [B, H, W, C]."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class Perceptron(nn.Module):
    """Two linear layers with a GELU between.

    Args:
        channels: C, of input and output.
        hidden_channels: Channels between the layers.
    """

    def __init__(self, channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden_channels)
        self.fc2 = nn.Linear(hidden_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., C] to [..., C]."""
        return self.fc2(F.gelu(self.fc1(x)))


class NeighborhoodAttention(nn.Module):
    """Multi-head attention of each token to its neighborhood, with a learned bias for each relative position.

    Shapes: B images, H x W tokens, C channels, K kernel size.

    Args:
        channels: C, a multiple of the number of heads.
        num_heads: Number of heads.
        kernel_size: K, tokens along an axis that a token attends to; odd.
        dilation: Distance between them.

    Raises:
        ValueError: If the channels cannot be split into the heads, or the kernel size is even.
    """

    def __init__(self, channels: int, *, num_heads: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'{channels} channels cannot be split into {num_heads} heads')
        if kernel_size % 2 == 0:
            raise ValueError(f'kernel_size must be odd, got {kernel_size}')
        self.num_heads = num_heads
        self.dilation = dilation
        self.window = kernel_size * dilation
        self.qkv = nn.Linear(channels, 3 * channels)
        self.rpb = nn.Parameter(torch.empty(num_heads, 2 * kernel_size - 1, 2 * kernel_size - 1))
        self.proj = nn.Linear(channels, channels)
        nn.init.trunc_normal_(self.rpb, std=0.02)

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention)."""
        return {'rpb'}

    def forward(self, x: Tensor) -> Tensor:
        """Attend, [B, H, W, C] to [B, H, W, C]; a map smaller than the window is padded with zeros."""
        height, width = x.shape[1:3]
        x = F.pad(x, (0, 0, 0, max(0, self.window - width), 0, max(0, self.window - height)))
        query, key, value = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).unbind(3)  # [B, H, W, heads, C / heads]
        output = neighborhood_attention(query, key, value, self.rpb, dilation=self.dilation)
        return self.proj(output[:, :height, :width].flatten(3))
