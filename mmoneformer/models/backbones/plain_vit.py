"""Plain vision transformers of other libraries as backbones: what learns in them, and their maps."""

from abc import abstractmethod

from torch import Tensor

from mmoneformer.models.backbones.feature_pyramid import SimpleFeaturePyramid
from mmoneformer.models.backbones.library_module import LibraryModule, LibraryNetwork
from mmoneformer.models.layers.lora import add_lora

PATCH = 16  # stride of the transformer's map in pixels


class PlainViT(LibraryModule):
    """A plain vision transformer, and a simple feature pyramid from its last map.

    Shapes: B images of H x W pixels, C channels of the transformer.

    Args:
        network: The transformer.
        pretrained: Whether training starts from the library's weights.
        checkpoint: File with the weights to start from instead; None for no file.
        frozen: Whether training leaves the transformer as it is, in evaluation mode: the pyramid learns alone.
        lora_rank: Rank of the update of each linear layer (LoRA), which is what learns instead of the weights; 0 for
            none.
        init_cfg: Initialization, as in mmengine.

    Raises:
        ValueError: If it is frozen, and has LoRA.
    """

    def __init__(
        self,
        network: LibraryNetwork,
        *,
        pretrained: bool,
        checkpoint: str | None,
        frozen: bool,
        lora_rank: int,
        init_cfg: dict | list[dict] | None,
    ) -> None:
        if frozen and lora_rank:
            raise ValueError(f'lora_rank is {lora_rank} in a frozen backbone: LoRA trains it, so leave frozen out')
        super().__init__(network, pretrained=pretrained, checkpoint=checkpoint, init_cfg=init_cfg)
        self.frozen = frozen
        self.blocks_name, channels = self.find_blocks()
        self.pyramid = SimpleFeaturePyramid(channels)
        if frozen or lora_rank:
            self.net.requires_grad_(False)
        if lora_rank:
            add_lora(self.net.get_submodule(self.blocks_name), lora_rank)

    @abstractmethod
    def find_blocks(self) -> tuple[str, int]:
        """Name of the list of blocks in the network; and C."""

    @abstractmethod
    def last_map(self, images: Tensor) -> Tensor:
        """Map of the last block, normalized, [B, C, H/16, W/16]; of images [B, 3, H, W]."""

    def layers_above(self) -> dict[str, int]:
        """Number of layers after each parameter, for layer-wise learning rates: the last block has 1 above it."""
        blocks = f'net.{self.blocks_name}.'
        count = len(self.net.get_submodule(self.blocks_name))
        above, others = {}, count + 1  # embeddings come before the blocks, the last norm and the pyramid after them
        for name, _ in self.named_parameters():
            if name.startswith(blocks):
                above[name], others = count - int(name.removeprefix(blocks).partition('.')[0]), 0
            else:
                above[name] = others
        return above

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps.

        Args:
            images: Normalized images, [B, 3, H, W].

        Returns:
            Maps of strides 4, 8, 16, 32, with C/4, C/2, C and C channels.
        """
        return self.pyramid(self.last_map(images))

    def train(self, mode: bool = True) -> 'PlainViT':
        """Set training mode; a frozen transformer stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.net.eval()
        return self
