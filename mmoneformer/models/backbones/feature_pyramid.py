"""The simple feature pyramid of plain vision transformers (ViTDet, arXiv 2203.16527, section 3)."""

from torch import Tensor, nn
from torch.nn import functional as F

from mmoneformer.models.backbones.convnext import ChannelNorm


class SimpleFeaturePyramid(nn.Module):
    """Maps of strides 4, 8, 16 and 32, from the last one of a plain vision transformer, of stride 16.

    Finer maps come from transposed convolutions, the coarser one from max-pooling. The paper ends each map with a 1x1
    and a 3x3 convolution: here the projections of the pixel decoder are these.

    Shapes: B images, C channels, H x W pixels of the images.

    Args:
        channels: C, a multiple of 4.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stride4 = nn.Sequential(
            nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2),
            ChannelNorm(channels // 2),
            nn.GELU(),
            nn.ConvTranspose2d(channels // 2, channels // 4, kernel_size=2, stride=2),
        )
        self.stride8 = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)

    def forward(self, stride16: Tensor) -> tuple[Tensor, ...]:
        """Compute the pyramid.

        Args:
            stride16: [B, C, H/16, W/16], with an even height and width.

        Returns:
            [B, C/4, H/4, W/4], [B, C/2, H/8, W/8], the map itself, and [B, C, H/32, W/32].
        """
        return self.stride4(stride16), self.stride8(stride16), stride16, F.max_pool2d(stride16, kernel_size=2)
