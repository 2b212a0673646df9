"""Plain vision transformers of Hugging Face's transformers, such as DINOv2 and DINOv3, as backbones."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from mmoneformer.models.backbones.plain_vit import PATCH, PlainViT
from mmoneformer.models.backbones.transformers_network import TransformersNetwork, find_blocks, patch_tokens
from mmoneformer.registry import MODELS


@MODELS.register_module()
class TransformersViT(PlainViT):
    """A plain vision transformer of transformers as a backbone: its last map, and a simple feature pyramid from that.

    Images may have any size that is a multiple of 32. For a transformer whose patches have P pixels, they are resized
    by P / 16, so that its map has stride 16. Class and register tokens are no part of the map.

    Args:
        model: Name on the Hugging Face Hub, such as 'facebook/dinov2-base', or a folder with a config.json; or the
            values of such a file, as in dict(model_type='dinov2', hidden_size=384), for which nothing is downloaded.
        pretrained: Whether training starts from the weights of the Hub or the folder.
        checkpoint: File with the weights to start from instead, safetensors or .pth, with the names of transformers.
        drop_path_rate: Stochastic depth, as transformers defines it for the model.
        frozen: Whether training leaves the transformer as it is, in evaluation mode: the pyramid learns alone.
        lora_rank: Rank of the update of each linear layer (LoRA), which is what learns instead of the weights; 0 for
            none.
        with_cp: Whether to use gradient checkpointing in the blocks.
        init_cfg: Initialization, as in mmengine.

    Raises:
        ImportError: If transformers is not installed.
        ValueError: If its config cannot be had, or it is no plain vision transformer; if it is frozen, and has LoRA.
    """

    def __init__(
        self,
        *,
        model: str | Mapping[str, Any],
        pretrained: bool = False,
        checkpoint: str | None = None,
        drop_path_rate: float = 0.0,
        frozen: bool = False,
        lora_rank: int = 0,
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            TransformersNetwork(model, drop_path_rate),
            pretrained=pretrained,
            checkpoint=checkpoint,
            frozen=frozen,
            lora_rank=lora_rank,
            init_cfg=init_cfg,
        )
        if with_cp:
            self.net.gradient_checkpointing_enable(gradient_checkpointing_kwargs=dict(use_reentrant=False))

    def find_blocks(self) -> tuple[str, int]:
        """Name of the list of blocks in the network; and C."""
        return find_blocks(self.net), self.net.config.hidden_size

    def last_map(self, images: Tensor) -> Tensor:
        """Map of the last block, normalized, [B, C, H/16, W/16]; of images [B, 3, H, W]."""
        batch, _, height, width = images.shape
        rows, columns, patch = height // PATCH, width // PATCH, self.net.config.patch_size
        if patch != PATCH:
            images = F.interpolate(images, (patch * rows, patch * columns), mode='bilinear', antialias=True)
        return patch_tokens(self.net, images, rows * columns).mT.reshape(batch, -1, rows, columns)
