"""Swin transformer (arXiv 2103.14030) as a backbone."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn
from torch.nn import functional as F

from mmoneformer.models.backbones.pretrained import PretrainedBackbone, StateDict
from mmoneformer.models.backbones.window_attention import WindowAttention, WindowLayout, lay_windows, missing
from mmoneformer.models.ops.checkpointing import gelu_linear, maybe_checkpoint
from mmoneformer.registry import MODELS

NUM_STAGES = 4
PATCH = 4


@MODELS.register_module()
class SwinTransformer(PretrainedBackbone):
    """Swin as a backbone, with a layer norm on each of its four outputs.

    Parameter names and values are those of mmdet's Swin, whose checkpoints can be loaded.

    Shapes: B images, C_i = embed_dims * 2^i channels of stage i, H x W pixels.

    Args:
        embed_dims: C_0.
        depths: Number of blocks of each of the four stages.
        num_heads: Number of heads of each stage.
        window_size: Side of a window, in tokens.
        mlp_ratio: Hidden channels of a block's feed-forward network, relative to its channels.
        drop_path_rate: Stochastic depth: probability that the last block is skipped in training; it grows linearly
            from 0 at the first block.
        frozen_stages: Number of stages that are frozen, together with the patch embedding; -1 for nothing.
        with_cp: Whether to use gradient checkpointing in the blocks.
        convert_weights: Whether the checkpoint of ``init_cfg`` is one of Swin's authors.
        init_cfg: Initialization, as in mmengine; by default that of the authors.

    Raises:
        ValueError: If ``depths`` or ``num_heads`` are not four.
    """

    def __init__(
        self,
        *,
        embed_dims: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        window_size: int,
        mlp_ratio: int = 4,
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        with_cp: bool = False,
        convert_weights: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg or {'type': 'TruncNormal', 'layer': 'Linear', 'std': 0.02})
        if not len(depths) == len(num_heads) == NUM_STAGES:
            raise ValueError(f'Swin has four stages, got depths {list(depths)} and num_heads {list(num_heads)}')
        self.frozen_stages = frozen_stages
        self.convert_weights = convert_weights
        rates = torch.linspace(0, drop_path_rate, sum(depths)).split(list(depths))
        block = partial(SwinBlock, window=window_size, mlp_ratio=mlp_ratio)
        self.patch_embed = PatchEmbedding(embed_dims)
        self.stages = nn.ModuleList()
        for index, heads in enumerate(num_heads):
            channels = embed_dims * 2**index
            blocks = [block(channels, num_heads=heads, drop_path_rate=rate) for rate in rates[index].tolist()]
            downsample = PatchMerging(channels) if index + 1 < NUM_STAGES else None
            self.stages.append(SwinStage(blocks, downsample, window=window_size, with_cp=with_cp))
            self.add_module(f'norm{index}', nn.LayerNorm(channels))
        self._freeze()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the feature maps of all stages.

        Args:
            images: Normalized images, [B, 3, H, W].

        Returns:
            Feature maps of strides 4, 8, 16, 32, each [B, C_i, H / stride, W / stride].
        """
        maps = []
        x = self.patch_embed(images)
        for index, stage in enumerate(self.stages):
            tokens, x = stage(x)  # [B, H_i, W_i, C_i]
            maps.append(self.get_submodule(f'norm{index}')(tokens).permute(0, 3, 1, 2))
        return tuple(maps)

    def train(self, mode: bool = True) -> 'SwinTransformer':
        """Set training mode; frozen parts stay in evaluation mode."""
        super().train(mode)
        self._freeze()
        return self

    def _freeze(self) -> None:
        frozen: list[nn.Module] = [self.patch_embed] if self.frozen_stages >= 0 else []
        for index in range(self.frozen_stages):
            frozen += [self.stages[index], self.get_submodule(f'norm{index}')]
        for part in frozen:
            part.eval().requires_grad_(False)

    def rename_classifier(self, weights: StateDict) -> StateDict:
        """Rename the weights of Swin's authors, if ``convert_weights`` is set."""
        if not self.convert_weights:
            return weights
        from mmdet.models.backbones.swin import swin_converter  # here: it imports every model of mmdet

        renamed = swin_converter(weights)
        return {
            key.removeprefix('backbone.'): value for key, value in renamed.items() if not key.endswith('attn_mask')
        }


class PatchEmbedding(nn.Module):
    """One linear layer for each patch of 4 x 4 pixels, and a norm.

    Args:
        channels: C, of the output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(3, channels, kernel_size=PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(channels)

    def forward(self, images: Tensor) -> Tensor:
        """Map [B, 3, H, W] to [B, ceil(H / 4), ceil(W / 4), C]."""
        height, width = images.shape[2:]
        images = F.pad(images, (0, missing(width, PATCH), 0, missing(height, PATCH)))
        return self.norm(self.projection(images).permute(0, 2, 3, 1))


class SwinStage(nn.Module):
    """The blocks of one resolution, every second with shifted windows, and the downsampling to the next.

    Args:
        blocks: Keep the shape.
        downsample: Computes the input of the next stage; the last stage has none.
        window: Side of a window, in tokens.
        with_cp: Whether to use gradient checkpointing in the blocks.
    """

    def __init__(
        self, blocks: Sequence[nn.Module], downsample: nn.Module | None, *, window: int, with_cp: bool
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample
        self.window = window
        self.with_cp = with_cp

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Compute this stage's output and the next stage's input, from [B, H, W, C]."""
        batch, height, width, _ = x.shape
        layouts = [
            lay_windows(batch, (height, width), window=self.window, shift=shift, device=x.device)
            for shift in (0, self.window // 2)
        ]
        tokens = x.flatten(1, 2)  # [B, H * W, C]
        for index, block in enumerate(self.blocks):
            tokens = maybe_checkpoint(block, tokens, layouts[index % 2], recompute=self.with_cp)
        x = tokens.unflatten(1, (height, width))
        return x, None if self.downsample is None else self.downsample(x)


class PatchMerging(nn.Module):
    """Merges 2 x 2 tokens into one with twice the channels: a norm and a linear layer.

    Args:
        channels: C, of the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, H, W, C] to [B, ceil(H / 2), ceil(W / 2), 2 C]."""
        height, width = x.shape[1:3]
        x = F.pad(x, (0, 0, 0, missing(width, 2), 0, missing(height, 2)))
        x = x.unflatten(2, (-1, 2)).unflatten(1, (-1, 2))  # [B, H / 2, 2, W / 2, 2, C]
        return self.reduction(self.norm(x.permute(0, 1, 3, 5, 2, 4).flatten(3)))  # neighbors vary fastest


class SwinBlock(nn.Module):
    """Pre-norm transformer block with window attention.

    Args:
        channels: C.
        num_heads: Number of heads.
        window: Side of a window, in tokens.
        mlp_ratio: Hidden channels of the feed-forward network, relative to C.
        drop_path_rate: Probability that a residual branch is skipped in training.
    """

    fsdp_unit = True

    def __init__(self, channels: int, *, num_heads: int, window: int, mlp_ratio: int, drop_path_rate: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = nn.ModuleDict({'w_msa': WindowAttention(channels, num_heads=num_heads, window=window)})
        self.norm2 = nn.LayerNorm(channels)
        hidden = nn.Sequential(nn.Linear(channels, mlp_ratio * channels), nn.GELU())
        self.ffn = nn.ModuleDict({'layers': nn.Sequential(hidden, nn.Linear(mlp_ratio * channels, channels))})
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, tokens: Tensor, layout: WindowLayout) -> Tensor:
        """Update the tokens, [B, H * W, C]."""
        tokens = tokens + self.drop_path(self.attn['w_msa'](self.norm1(tokens), layout))
        return tokens + self.drop_path(self._feed_forward(self.norm2(tokens)))

    def _feed_forward(self, tokens: Tensor) -> Tensor:
        layers: Any = self.ffn['layers']
        (linear, gelu), output = layers
        return gelu_linear(linear(tokens), gelu, output)
