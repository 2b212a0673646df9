"""Plain vision transformers of timm, such as DINOv2 and DINOv3, as backbones."""

import re
from functools import partial
from typing import Any

from torch import Tensor, nn

from mmoneformer.models.backbones.plain_vit import PATCH, PlainViT
from mmoneformer.models.backbones.rotary_positions import use_rotary_positions
from mmoneformer.models.backbones.timm_models import build_timm, find_record
from mmoneformer.models.backbones.timm_network import TimmNetwork
from mmoneformer.models.backbones.vit_windows import windowed_map
from mmoneformer.registry import MODELS

PATCH_IN_NAME = re.compile(r'patch(\d+)')


@MODELS.register_module()
class TimmViT(PlainViT):
    """A plain vision transformer of timm as a backbone: its last map, and a simple feature pyramid from that.

    Images may have any size that is a multiple of 32. Patches have 16 pixels: a patch embedding that was trained with
    others is resampled (FlexiViT, arXiv 2212.08013, section 3.4). Learned position embeddings are resized to the
    image, rotary ones follow from it. Class and register tokens are attended to, and no part of the map.

    Args:
        model: Name in timm, with or without a tag of its weights, such as 'vit_base_patch16_dinov3.lvd1689m'.
        pretrained: Whether training starts from timm's weights, which are downloaded on first use.
        checkpoint: File with the weights to start from instead, safetensors or .pth.
        drop_path_rate: Stochastic depth: probability that the last block is skipped in training; it grows linearly
            from 0 at the first block.
        window: Side of the windows, in patches of 16 pixels, that all but four blocks attend within: less time for
            large images. 0 for none, as in the pretraining.
        frozen: Whether training leaves the transformer as it is, in evaluation mode: the pyramid learns alone.
        lora_rank: Rank of the update of each linear layer (LoRA), which is what learns instead of the weights; 0 for
            none.
        with_cp: Whether to use gradient checkpointing in the blocks.
        init_cfg: Initialization, as in mmengine.

    Raises:
        ImportError: If timm is not installed.
        ValueError: If timm has no such model, or it is no plain vision transformer; if it is frozen, and has LoRA; if
            the window is negative.
    """

    def __init__(
        self,
        *,
        model: str,
        pretrained: bool = False,
        checkpoint: str | None = None,
        drop_path_rate: float = 0.0,
        window: int = 0,
        frozen: bool = False,
        lora_rank: int = 0,
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if window < 0:
            raise ValueError(f'window is {window}: it is the side of a window in patches, or 0 for none')
        super().__init__(
            TimmNetwork(model, partial(_build_vit, model, drop_path_rate=drop_path_rate)),
            pretrained=pretrained,
            checkpoint=checkpoint,
            frozen=frozen,
            lora_rank=lora_rank,
            init_cfg=init_cfg,
        )
        self.window = window
        self.net.set_grad_checkpointing(with_cp)
        if lora_rank:
            _use_linear_layers(self.net)

    def find_blocks(self) -> tuple[str, int]:
        """Name of the list of blocks in the network; and C."""
        return 'blocks', self.net.embed_dim

    def last_map(self, images: Tensor) -> Tensor:
        """Map of the last block, normalized, [B, C, H/16, W/16]; of images [B, 3, H, W]."""
        if self.window:
            return windowed_map(self.net, images, self.window)
        (last,) = self.net.forward_intermediates(images, indices=1, norm=True, intermediates_only=True)
        return last


def _build_vit(model: str, *, drop_path_rate: float, **weights: Any) -> nn.Module:
    """Build a transformer with patches of 16 pixels, as many positions as its weights have, and no classifier."""
    side = find_record(model).input_size[-1]
    trained_with = PATCH_IN_NAME.search(model)
    settings = dict(
        img_size=PATCH * (side // int(trained_with[1])) if trained_with else side,
        patch_size=PATCH,
        dynamic_img_size=True,
        drop_path_rate=drop_path_rate or None,
        num_classes=0,
    )
    try:
        net: Any = build_timm(model, **settings, **weights)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'{model} of timm is no plain vision transformer that takes images of any size: take one, such as '
            "vit_base_patch14_dinov2, or type='TimmBackbone' for networks with maps of several strides"
        ) from error
    net.prune_intermediate_layers(1)
    use_rotary_positions(net)
    return net


def _use_linear_layers(net: nn.Module) -> None:
    """Have attention layers call their linear layers, some of which only read the weights."""
    part: Any
    for part in net.modules():
        if hasattr(part, 'qkv_bias_separate'):
            part.qkv_bias_separate = True
