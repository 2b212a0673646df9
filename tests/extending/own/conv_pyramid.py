"""A backbone of one's own: all that `docs/extending.md` asks of one."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmoneformer.registry import MODELS


@MODELS.register_module()
class ConvPyramid(BaseModule):
    """Four stages of a convolution each.

    Args:
        channels: Channels C_i of each of the four maps.
        init_cfg: Initial values, as in mmengine.
    """

    def __init__(self, *, channels: Sequence[int], init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.stem = nn.Conv2d(3, channels[0], kernel_size=4, stride=4)
        self.stages = nn.ModuleList(
            nn.Conv2d(fewer, more, kernel_size=2, stride=2)
            for fewer, more in zip(channels, channels[1:], strict=False)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return maps of stride 4, 8, 16, 32, each [B, C_i, H / stride, W / stride], of images [B, 3, H, W]."""
        maps = [self.stem(images).relu()]
        for stage in self.stages:
            maps.append(stage(maps[-1]).relu())
        return tuple(maps)
