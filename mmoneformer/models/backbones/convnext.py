"""ConvNeXt (arXiv 2201.03545)."""

from collections.abc import Sequence

import torch
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn
from torch.nn import functional as F

from mmoneformer.models.backbones.pretrained import PretrainedBackbone
from mmoneformer.models.ops.checkpointing import maybe_checkpoint
from mmoneformer.registry import MODELS

NORM_EPS = 1e-6


@MODELS.register_module()
class ConvNeXt(PretrainedBackbone):
    """ConvNeXt as a backbone, with a layer norm on each output.

    Parameter names are those of the authors' ImageNet weights.

    Shapes: B images, C_i channels of stage i, H x W pixels.

    Args:
        depths: Number of blocks of each of the four stages.
        channels: C_i of each of the four stages.
        drop_path_rate: Stochastic depth: probability that the last block is skipped in training; it grows linearly
            from 0 at the first block.
        out_indices: Indices of the stages whose outputs are returned.
        with_cp: Whether to use gradient checkpointing in the blocks.
        init_cfg: Initialization, as in mmengine; by default that of the authors.

    Raises:
        ValueError: If ``depths`` and ``channels`` differ in length.
    """

    def __init__(
        self,
        *,
        depths: Sequence[int],
        channels: Sequence[int],
        drop_path_rate: float = 0.0,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg or {'type': 'TruncNormal', 'layer': ['Conv2d', 'Linear'], 'std': 0.02})
        if len(depths) != len(channels):
            raise ValueError(
                f'depths {list(depths)} and channels {list(channels)} must have one number for each stage'
            )
        self.out_indices = tuple(out_indices)
        self.with_cp = with_cp
        rates = torch.linspace(0, drop_path_rate, sum(depths)).split(list(depths))
        stem = nn.Sequential(nn.Conv2d(3, channels[0], kernel_size=4, stride=4), ChannelNorm(channels[0]))
        self.downsample_layers = nn.ModuleList([stem])
        self.stages = nn.ModuleList()
        for index, width in enumerate(channels):
            if index > 0:
                self.downsample_layers.append(_downsample(channels[index - 1], width))
            self.stages.append(nn.Sequential(*(ConvNeXtBlock(width, rate) for rate in rates[index].tolist())))
        for index in self.out_indices:
            self.add_module(f'norm{index}', ChannelNorm(channels[index]))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the feature maps of the stages in ``out_indices``.

        Args:
            images: Normalized images, [B, 3, H, W].

        Returns:
            Feature maps of strides 4, 8, 16, 32, each [B, C_i, H / stride, W / stride].
        """
        maps = []
        x = images
        for index, (downsample, stage) in enumerate(zip(self.downsample_layers, self.stages, strict=True)):
            x = downsample(x)
            for block in stage.children():
                x = maybe_checkpoint(block, x, recompute=self.with_cp)
            if index in self.out_indices:
                maps.append(self.get_submodule(f'norm{index}')(x).contiguous())
        return tuple(maps)


class ConvNeXtBlock(nn.Module):
    """Depthwise 7x7 convolution, norm, and a feed-forward network at each position; added to the input.

    Args:
        channels: C.
        drop_path_rate: Probability that the block is skipped in training.
    """

    fsdp_unit = True

    def __init__(self, channels: int, drop_path_rate: float) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, kernel_size=7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=NORM_EPS)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.ones(channels))
        self.drop_path = DropPath(drop_path_rate)

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention): ``gamma`` is not one."""
        return set()

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to [B, C, H, W]."""
        tokens = self.norm(self.dwconv(x).permute(0, 2, 3, 1))  # [B, H, W, C]
        tokens = self.gamma * self.pwconv2(F.gelu(self.pwconv1(tokens)))
        return x + self.drop_path(tokens.permute(0, 3, 1, 2))


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of a feature map.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize a feature map [B, C, H, W]."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _downsample(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(ChannelNorm(in_channels), nn.Conv2d(in_channels, out_channels, kernel_size=2, stride=2))
