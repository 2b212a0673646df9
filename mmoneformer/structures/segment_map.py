"""Segments of an image as an id map, in numpy: what the data pipeline has before ``TargetMasks``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class SegmentMap:
    """Pixels of N segments, which may overlap.

    A geometric transform changes one array, not N masks. In the dict of a sample the map is ``gt_seg_map``, which the
    transforms of mmcv, mmdet and mmseg treat as a segmentation map, and the table is ``gt_members``.

    Shapes: N segments, H x W pixels, R values in the map.

    Attributes:
        ids: Integer [H, W]. Without ``members``, pixel value n + 1 belongs to segment n, and 0 to none.
        count: N.
        members: For segments that overlap, bool [R, N]: pixel value r belongs to each segment n with
            ``members[r, n]``. Row 0 is all false.
    """

    ids: np.ndarray
    count: int
    members: np.ndarray | None = None

    @classmethod
    def of_sample(cls, results: Mapping[str, Any]) -> 'SegmentMap':
        """The map of a sample between its loading and its packing, with one segment per entry of ``segments``."""
        return cls(results['gt_seg_map'], len(results['segments']), results.get('gt_members'))

    def areas(self) -> np.ndarray:
        """Number of pixels of each segment, int64 [N]."""
        pixels = self._pixels()
        return pixels[1:] if self.members is None else pixels @ self.members

    def void_area(self) -> int:
        """Number of pixels that belong to no segment."""
        return int(self._pixels()[0])

    def visible(self) -> np.ndarray:
        """Whether each segment has a pixel, bool [N]."""
        return self.areas() > 0

    def merge(self, groups: Sequence[Sequence[int]]) -> 'SegmentMap':
        """Merge groups of segments to one segment each.

        Args:
            groups: Indices of the segments of each new segment; segments in no group become void.

        Returns:
            The map of the new segments, with the same type of ids. It has a table only if the new segments overlap.
        """
        table = np.zeros((self._num_values(), len(groups)), bool)
        for number, segments in enumerate(groups):
            if self.members is None:
                table[np.asarray(segments, int) + 1, number] = True
            else:
                table[:, number] = self.members[:, segments].any(1)
        if (table.sum(1) > 1).any():
            return SegmentMap(self.ids, len(groups), table)
        numbers = table @ np.arange(1, len(groups) + 1)
        return SegmentMap(numbers.astype(self.ids.dtype).take(self.ids), len(groups))

    def flatten(self) -> np.ndarray:
        """Ids [H, W] without overlap: a pixel of several segments gets the number n + 1 of the first one."""
        if self.members is None:
            return self.ids
        framed = np.pad(self.members, ((0, 0), (1, 0)))  # column 0 is void
        framed[:, 0] = ~self.members.any(1)
        return framed.argmax(1).take(self.ids)

    def masks(self) -> np.ndarray:
        """Masks of all segments, bool [N, H, W]."""
        if self.members is None:
            return self.ids == np.arange(1, self.count + 1)[:, None, None]
        return self.members.T.take(self.ids, axis=1)

    def paint(self, values: Sequence[int], *, void: int) -> np.ndarray:
        """Map each pixel to the value of its segment.

        Args:
            values: Of each segment, 0 to 255. The segments must not overlap.
            void: Value of the other pixels.

        Returns:
            uint8 [H, W].
        """
        return np.array([void, *values], np.uint8).take(self.ids)

    def _num_values(self) -> int:
        return self.count + 1 if self.members is None else len(self.members)

    def _pixels(self) -> np.ndarray:
        """Number of pixels of each value."""
        return np.bincount(self.ids.ravel(), minlength=self._num_values())
