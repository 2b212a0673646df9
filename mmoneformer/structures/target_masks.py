"""Targets of one image as an id map (design: masks are never written out, ids are compared instead).

A bilinear sample of a binary mask needs the four pixels around the point and their weights. With a map of target
ids these four ids are read once per point, and a target's value is the weight of the corners that carry its id:
no [N, H, W] array of floats exists at any time.
"""

from typing import Any

import torch
from torch import Tensor


class TargetMasks:
    """Masks of N targets that do not overlap.

    Shapes: N targets, M sampled masks, P points, H x W pixels of the image before padding.

    Args:
        id_map: [H, W], integer; pixel value n + 1 belongs to target n, 0 to none.
        count: N.
    """

    def __init__(self, id_map: Tensor, count: int) -> None:
        self.id_map = id_map
        self.count = count

    def __len__(self) -> int:
        return self.count

    def to(self, *args: Any, **kwargs: Any) -> 'TargetMasks':
        """Move the map as ``Tensor.to`` does; data samples call it with a device."""
        return TargetMasks(self.id_map.to(*args, **kwargs), self.count)

    def dense(self) -> Tensor:
        """Write the masks out, bool [N, H, W]; for tests and pictures, not for training."""
        ids = torch.arange(1, self.count + 1, device=self.id_map.device)
        return self.id_map.to(torch.int64) == ids[:, None, None]

    def sample(self, targets: Tensor, points: Tensor, padded_size: tuple[int, int]) -> Tensor:
        """Bilinear samples of the masks, zero outside, as ``grid_sample`` without aligned corners gives.

        Args:
            targets: Indices of the masks to sample, [M].
            points: (x, y) in 0..1 of the padded image, [M, P, 2], or [1, P, 2] for the same points in each mask.
            padded_size: Height and width that 0..1 spans.

        Returns:
            Values in 0..1, [M, P].
        """
        scale = points.new_tensor([padded_size[1], padded_size[0]])
        position = points * scale - 0.5
        corner = position.floor()
        fraction = position - corner
        x, y = corner.to(torch.int64).unbind(-1)  # [M or 1, P]
        weight_x = (1 - fraction[..., 0], fraction[..., 0])
        weight_y = (1 - fraction[..., 1], fraction[..., 1])
        ids = (targets + 1)[:, None]
        values = points.new_zeros(len(targets), points.shape[1])
        for down in (0, 1):
            for right in (0, 1):
                hit = self._read(x + right, y + down) == ids
                values += hit * (weight_x[right] * weight_y[down])
        return values

    def _read(self, x: Tensor, y: Tensor) -> Tensor:
        """Ids at integer positions, 0 outside of the map."""
        height, width = self.id_map.shape
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        ids = self.id_map[y.clamp(0, height - 1), x.clamp(0, width - 1)]
        return ids.to(torch.int64) * inside
