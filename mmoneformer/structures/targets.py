"""Targets of a training image. Their masks are an id map, which is sampled without computing the masks themselves.

A bilinear sample of a binary mask needs the four pixels around the point and their weights. With an id map, these four
ids are read once per point, and the value of a target is the sum of the weights of the pixels with its id. So there is
never a float tensor [N, H, W].

For targets that overlap, each set of targets that share a pixel has an id, and a table has the targets of each id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmoneformer.structures.segment_map import SegmentMap


class TargetMasks:
    """Masks of N targets, which may overlap.

    Shapes: N targets, M sampled masks, P points, H x W pixels of the image before padding, R values in the map.

    Args:
        id_map: Integer [H, W]. Without ``members``, pixel value n + 1 belongs to target n, and 0 to none.
        count: N.
        members: For targets that overlap, bool [R, N]: pixel value r belongs to each target n with ``members[r, n]``.
            Row 0, which is also that of the pixels outside of the map, is all false.
    """

    def __init__(self, id_map: Tensor, count: int, members: Tensor | None = None) -> None:
        self.id_map = id_map
        self.count = count
        self.members = members

    @classmethod
    def of_segments(cls, segment_map: SegmentMap) -> 'TargetMasks':
        """Copy the masks of segments to tensors."""
        members = segment_map.members
        return cls(
            id_map_tensor(segment_map.ids), segment_map.count, None if members is None else torch.from_numpy(members)
        )

    def __len__(self) -> int:
        return self.count

    def to(self, *args: Any, **kwargs: Any) -> 'TargetMasks':
        """Move the map and the table to a device; arguments as of ``Tensor.to``."""
        members = None if self.members is None else self.members.to(*args, **kwargs)
        return TargetMasks(self.id_map.to(*args, **kwargs), self.count, members)

    def dense(self) -> Tensor:
        """Masks of all targets, bool [N, H, W]; training does not need them."""
        targets = torch.arange(self.count, device=self.id_map.device)
        return self._belong(self.id_map, targets[:, None, None])

    def sample(self, targets: Tensor, points: Tensor, padded_size: tuple[int, int]) -> Tensor:
        """Sample masks bilinearly, with zeros outside, as ``grid_sample`` with ``align_corners=False``.

        Args:
            targets: Indices of the masks, [M].
            points: (x, y) in 0..1 of the padded image, [M, P, 2], or [1, P, 2] for the same points in each mask.
            padded_size: Height and width of the padded image, in pixels.

        Returns:
            Values in 0..1, [M, P].
        """
        height, width = self.id_map.shape
        padded, stride = F.pad(self.id_map.to(torch.int32), (2, 2, 2, 2)).flatten(), width + 4
        position = torch.stack([points[..., axis] * padded_size[1 - axis] for axis in (0, 1)], dim=-1) - 0.5
        corner = position.floor()
        fraction = position - corner
        x, y = corner.to(torch.int64).unbind(-1)  # [M or 1, P]
        first = (y.clamp(-2, height) + 2) * stride + (x.clamp(-2, width) + 2)
        weight_x = (1 - fraction[..., 0], fraction[..., 0])
        weight_y = (1 - fraction[..., 1], fraction[..., 1])
        values = points.new_zeros(len(targets), points.shape[1])
        for down in (0, 1):
            for right in (0, 1):
                hit = self._belong(padded[first + (down * stride + right)], targets[:, None])
                values += torch.where(hit, weight_x[right] * weight_y[down], 0)
        return values

    def _belong(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Whether ids belong to targets; the shapes are broadcast."""
        return ids == targets + 1 if self.members is None else self.members[ids.to(torch.int64), targets]


def id_map_tensor(id_map: np.ndarray) -> Tensor:
    """Copy an id map [H, W] to a tensor, uint8 or int32: few operators of torch take uint16."""
    dtype = np.uint8 if id_map.dtype == np.uint8 else np.int32
    # a copy: a flipped array has negative strides, which numpy takes for contiguous where a side is 1
    return torch.from_numpy(np.array(id_map, dtype=dtype, order='C'))


@dataclass(frozen=True, eq=False)
class Targets:
    """The N targets of an image for one task (paper section 3.1).

    Attributes:
        task: Name of the task.
        texts: One text per target, N (paper section 3.2).
        labels: Class indices, int64 [N].
        masks: N masks.
        unlabeled: Indices of the classes that could be targets of the task, but are not annotated in this image. A
            query without a target may be of any of them.
    """

    task: str
    texts: Sequence[str]
    labels: Tensor
    masks: TargetMasks
    unlabeled: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, *args: Any, **kwargs: Any) -> 'Targets':
        """Move labels and masks to a device; arguments as of ``Tensor.to``."""
        return replace(self, labels=self.labels.to(*args, **kwargs), masks=self.masks.to(*args, **kwargs))
