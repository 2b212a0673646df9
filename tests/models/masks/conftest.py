"""Sizes between which masks are resized, and masks that are resized at once."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mmoneformer.models.masks.geometry import MaskGeometry

GEOMETRIES = {
    'larger': MaskGeometry((32, 48), (29, 45), (61, 95)),
    'much larger': MaskGeometry((32, 48), (29, 45), (235, 361)),
    'smaller': MaskGeometry((64, 96), (61, 90), (20, 33)),
    'as it is': MaskGeometry((64, 96), (58, 90), (58, 90)),
    'masks of full size': MaskGeometry((16, 24), (15, 23), (15, 23)),
    'higher and narrower': MaskGeometry((64, 96), (61, 90), (90, 61)),
    'one row': MaskGeometry((32, 64), (1, 64), (1, 70)),
    'to one pixel': MaskGeometry((32, 64), (30, 60), (1, 1)),
    'rotated': MaskGeometry((32, 64), (30, 60), (120, 240), (True, True)),
    'mirrored': MaskGeometry((32, 64), (30, 60), (30, 60), (False, True)),
}


@pytest.fixture(params=GEOMETRIES)
def geometry(request: pytest.FixtureRequest) -> MaskGeometry:
    return GEOMETRIES[request.param]


@pytest.fixture
def draw_masks(geometry: MaskGeometry) -> Callable[[int], Tensor]:
    """Smooth masks at stride 4 (or 1), [N, h, w], large parts of which are far from an edge."""
    stride = 1 if geometry.padded == (16, 24) else 4
    size = [side // stride for side in geometry.padded]

    def draw(count: int, seed: int = 0) -> Tensor:
        coarse = torch.randn(1, count, 3, 4, generator=torch.Generator().manual_seed(seed))
        return F.interpolate(12 * coarse, size, mode='bicubic')[0] - 2

    return draw


@pytest.fixture
def full_size(geometry: MaskGeometry) -> Callable[[Tensor], Tensor]:
    """All pixels at once."""

    def resize(masks: Tensor) -> Tensor:
        padded = F.interpolate(masks[None].float(), geometry.padded, mode='bilinear', align_corners=False)
        image = padded[:, :, : geometry.image[0], : geometry.image[1]]
        original = F.interpolate(image, geometry.original, mode='bilinear', align_corners=False)[0]
        return original.flip([axis for axis, flipped in zip((-2, -1), geometry.flipped, strict=True) if flipped])

    return resize
