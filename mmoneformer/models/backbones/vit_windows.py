"""Plain vision transformers in which most blocks attend within windows (ViTDet, arXiv 2203.16527, section 3)."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmoneformer.models.backbones.window_attention import lay_windows, remainder
from mmoneformer.models.ops.checkpointing import maybe_checkpoint

NUM_GLOBAL = 4  # blocks that attend to the whole image, as in the paper


def global_blocks(depth: int) -> set[int]:
    """Indices of the blocks that attend to the whole image: the last one of each quarter."""
    return {(quarter * depth) // NUM_GLOBAL - 1 for quarter in range(1, NUM_GLOBAL + 1)}


def windowed_map(net: Any, images: Tensor, window: int) -> Tensor:
    """Compute the last map of a vision transformer of timm, whose blocks attend within windows, but for four.

    Args:
        net: The transformer.
        images: Normalized images, [B, 3, H, W].
        window: Side of a window, in patches.

    Returns:
        [B, C, H/16, W/16] for patches of 16 pixels, normalized by the transformer's last layer.
    """
    patches = net.patch_embed(images)  # [B, h, w, C]
    batch, height, width = patches.shape[:3]
    tokens, rotations = _with_positions(net, patches)
    windows = PatchWindows(
        batch, (height, width), window=window, num_prefix=net.num_prefix_tokens, device=images.device
    )
    everywhere = global_blocks(len(net.blocks))
    for index, block in enumerate(net.blocks):
        rotation, recompute = rotations[index], net.grad_checkpointing
        if index in everywhere:
            tokens = _call(block, tokens, recompute, rope=rotation)
            continue
        rotation = None if rotation is None else windows.divide_rotation(rotation)
        divided = _call(block, windows.divide(tokens), recompute, rope=rotation, attn_mask=windows.mask())
        tokens = windows.join(divided, tokens)
    return net.norm(tokens)[:, net.num_prefix_tokens :].mT.reshape(batch, -1, height, width)


def _with_positions(net: Any, patches: Tensor) -> tuple[Tensor, Sequence[Tensor | None]]:
    """Add position embeddings, and the class and register tokens; the rotation of each block, if there are any."""
    tokens = net._pos_embed(patches)
    tokens, rotation = tokens if isinstance(tokens, tuple) else (tokens, None)
    is_of_each_block = getattr(net, 'rope_mixed', False)
    return net.norm_pre(tokens), rotation if is_of_each_block else [rotation] * len(net.blocks)


def _call(block: nn.Module, tokens: Tensor, recompute: bool, **optional: Tensor | None) -> Tensor:
    known = {name: value for name, value in optional.items() if value is not None}
    return maybe_checkpoint(partial(block, **known), tokens, recompute=recompute)


class PatchWindows:
    """Windows of images, from their top left corners; those at the other ends are padded, and padding is not seen.

    Each window has a copy of the class and register tokens: its patches attend to them, and they to its patches. After
    the block the copies are averaged. With a single window, this is what the block computes without windows.

    Shapes: B images of h x w patches, W windows of N patches in all images, R class and register tokens, C channels.

    Args:
        batch: B.
        size: h and w.
        window: Side of a window, in patches.
        num_prefix: R.
        device: Device of the tokens.
    """

    def __init__(
        self, batch: int, size: tuple[int, int], *, window: int, num_prefix: int, device: torch.device
    ) -> None:
        self.to_windows, self.from_windows, (group,) = lay_windows(batch, size, window=window, shift=0, device=device)
        self.num_patches = window**2
        self.num_prefix = num_prefix
        self.windows_per_image = group.num_windows // batch
        self.image = torch.arange(group.num_windows, device=device) // self.windows_per_image
        padding = self.to_windows.shape[0] - self.from_windows.shape[0]
        self.is_padded = not isinstance(padding, int) or padding > 0  # not known while a graph for all sizes is made

    def divide(self, tokens: Tensor) -> Tensor:
        """Divide tokens [B, R + h * w, C] into windows, [W, R + N, C]."""
        patches = tokens[:, self.num_prefix :].flatten(0, 1)
        if self.is_padded:
            patches = F.pad(patches, (0, 0, 0, 1))
        patches = patches.index_select(0, self.to_windows).unflatten(0, (-1, self.num_patches))
        return torch.cat((tokens[:, : self.num_prefix].index_select(0, self.image), patches), dim=1)

    def join(self, windows: Tensor, tokens: Tensor) -> Tensor:
        """Reverse ``divide``: [W, R + N, C] to the shape of the tokens."""
        prefix, patches = windows[:, : self.num_prefix], windows[:, self.num_prefix :].flatten(0, 1)
        prefix = prefix.new_zeros(tokens.shape[0], *prefix.shape[1:]).index_add(0, self.image, prefix)
        patches = patches.index_select(0, self.from_windows).view(tokens.shape[0], -1, tokens.shape[2])
        return torch.cat((prefix / self.windows_per_image, patches), dim=1)

    def divide_rotation(self, rotation: Tensor) -> Tensor:
        """Divide rotary embeddings, which keep the positions in the image: [h * w, D] to [W, 1, N, D].

        They may have heads, too: [heads, h * w, D] to [W, heads, N, D].
        """
        of_heads = rotation if rotation.ndim == 3 else rotation[None]
        positions = remainder(self.to_windows, rotation.shape[-2])
        return of_heads.index_select(1, positions).unflatten(1, (-1, self.num_patches)).transpose(0, 1)

    def mask(self) -> Tensor | None:
        """What is no padding, bool [W, 1, 1, R + N]; None if nothing is."""
        if not self.is_padded:
            return None
        inside = (self.to_windows < self.from_windows.shape[0]).view(-1, self.num_patches)
        return F.pad(inside, (self.num_prefix, 0), value=True)[:, None, None]
