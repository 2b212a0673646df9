"""Targets of one image as an id map (design: masks are never written out, ids are compared instead).

A bilinear sample of a binary mask needs the four pixels around the point and their weights. With a map of target
ids these four ids are read once per point, and a target's value is the weight of the corners that carry its id:
no [N, H, W] array of floats exists at any time.

Instances that overlap are an id map too: each set of instances that share pixels has an id, and a table says which
instances it holds.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


class TargetMasks:
    """Masks of N targets, which may overlap.

    Shapes: N targets, M sampled masks, P points, H x W pixels of the image before padding, R values in the map.

    Args:
        id_map: [H, W], integer; pixel value n + 1 belongs to target n, 0 to none.
        count: N.
        members: For targets that overlap, what the pixel values mean instead: bool [R, N], pixel value r belongs to
            each target n of which ``members[r, n]`` is true. Row 0, also for what is outside of the map, is false.
    """

    def __init__(self, id_map: Tensor, count: int, members: Tensor | None = None) -> None:
        self.id_map = id_map
        self.count = count
        self.members = members

    def __len__(self) -> int:
        return self.count

    def to(self, *args: Any, **kwargs: Any) -> 'TargetMasks':
        """Move the map as ``Tensor.to`` does; data samples call it with a device."""
        members = None if self.members is None else self.members.to(*args, **kwargs)
        return TargetMasks(self.id_map.to(*args, **kwargs), self.count, members)

    def dense(self) -> Tensor:
        """Write the masks out, bool [N, H, W]; for tests and pictures, not for training."""
        targets = torch.arange(self.count, device=self.id_map.device)
        return self._belong(self.id_map, targets[:, None, None])

    def sample(self, targets: Tensor, points: Tensor, padded_size: tuple[int, int]) -> Tensor:
        """Bilinear samples of the masks, zero outside, as ``grid_sample`` without aligned corners gives.

        Args:
            targets: Indices of the masks to sample, [M].
            points: (x, y) in 0..1 of the padded image, [M, P, 2], or [1, P, 2] for the same points in each mask.
            padded_size: Height and width that 0..1 spans.

        Returns:
            Values in 0..1, [M, P].
        """
        height, width = self.id_map.shape
        framed, line = F.pad(self.id_map.to(torch.int32), (2, 2, 2, 2)).flatten(), width + 4  # zeros around
        position = points * points.new_tensor([padded_size[1], padded_size[0]]) - 0.5
        corner = position.floor()
        fraction = position - corner
        x, y = corner.to(torch.int64).unbind(-1)  # [M or 1, P]
        first = (y.clamp(-2, height) + 2) * line + (x.clamp(-2, width) + 2)
        weight_x = (1 - fraction[..., 0], fraction[..., 0])
        weight_y = (1 - fraction[..., 1], fraction[..., 1])
        values = points.new_zeros(len(targets), points.shape[1])
        for down in (0, 1):
            for right in (0, 1):
                hit = self._belong(framed[first + (down * line + right)], targets[:, None])
                values += torch.where(hit, weight_x[right] * weight_y[down], 0)
        return values

    def _belong(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Whether ids are of targets; the two shapes are broadcast."""
        return ids == targets + 1 if self.members is None else self.members[ids.to(torch.int64), targets]


def id_map_tensor(id_map: np.ndarray) -> Tensor:
    """Copy an id map [H, W] to a tensor, uint8 or int32: few operators of torch take uint16."""
    dtype = np.uint8 if id_map.dtype == np.uint8 else np.int32
    # a copy: a flipped array has negative strides, which numpy takes for contiguous where a side is 1
    return torch.from_numpy(np.array(id_map, dtype=dtype, order='C'))
