"""Segments of an image as an id map, in numpy: what the data pipeline has before ``TargetMasks``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

FILL = 255  # the value with which mmcv, mmdet and mmseg fill maps by default: it is void, and never a segment


@dataclass(frozen=True)
class SegmentMap:
    """Pixels of N segments, which may overlap.

    A geometric transform changes one array, not N masks. In the dict of a sample the map is ``gt_seg_map``, which the
    transforms of mmcv, mmdet and mmseg treat as a segmentation map, and the table is ``gt_members``. There, 255 is
    void, as those transforms fill maps with it (``skip_fill``); here it is a number like any other.

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
        """The map of a sample between its loading and its packing, with one segment per entry of ``segments``.

        Raises:
            ValueError: If ``gt_seg_map`` is no map of integers, or has a value that is neither a segment nor void.
        """
        ids, members = results['gt_seg_map'], results.get('gt_members')
        where = f'gt_seg_map of {results.get("img_path")}'
        if ids.ndim != 2 or ids.dtype.kind not in 'iu':
            raise ValueError(f'{where} must be [H, W] integers, but a transform made it {ids.dtype} {ids.shape}')
        value = ids.max(initial=0)
        segment_map = cls(ids if value < FILL else _without_fill(ids, members), len(results['segments']), members)
        highest = segment_map.ids.max(initial=0)
        if highest >= segment_map._num_values():
            raise ValueError(
                f'{where} has the value {value}, but {segment_map.count} segments: transforms must fill it with 0 or '
                '255 (pad_val=dict(seg=255), seg_pad_val, seg_fill_in or seg_ignore_label)'
            )
        return segment_map

    def areas(self) -> np.ndarray:
        """Number of pixels of each segment, int64 [N]."""
        pixels = self._pixels
        return pixels[1:] if self.members is None else pixels @ self.members

    def void_area(self) -> int:
        """Number of pixels that belong to no segment."""
        return int(self._pixels[0])

    def visible(self) -> np.ndarray:
        """Whether each segment has a pixel, bool [N]."""
        return self.areas() > 0

    def table(self) -> np.ndarray:
        """The table of ``members``, also of segments that do not overlap."""
        return np.eye(self.count + 1, self.count, k=-1, dtype=bool) if self.members is None else self.members

    def fields(self) -> dict[str, np.ndarray]:
        """``gt_seg_map`` of a sample, and ``gt_members`` if segments overlap: the inverse of ``of_sample``."""
        highest = self._num_values() - 1
        ids = skip_fill(self.ids.astype(np.min_scalar_type(highest)), highest)
        if self.members is None:
            return {'gt_seg_map': ids}
        members = np.insert(self.members, FILL, False, axis=0) if highest >= FILL else self.members
        return {'gt_seg_map': ids, 'gt_members': members}

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

    @cached_property
    def _pixels(self) -> np.ndarray:
        """Number of pixels of each value."""
        return np.bincount(self.ids.ravel(), minlength=self._num_values())


def skip_fill(numbers: np.ndarray, count: int) -> np.ndarray:
    """Convert numbers of segments to values of ``gt_seg_map``, in which no segment has the value 255.

    Args:
        numbers: Integers [H, W], 0 for void and n + 1 for segment n.
        count: Number of segments.

    Returns:
        The same for up to 254 segments; otherwise, with n + 2 from segment n = 254 on, uint16.
    """
    if count < FILL:
        return numbers
    values = np.arange(count + 1)
    values[FILL:] += 1
    return values.astype(np.min_scalar_type(values[-1])).take(numbers)


def _without_fill(ids: np.ndarray, members: np.ndarray | None) -> np.ndarray:
    """Undo ``skip_fill``, with void instead of 255; a table of members has a row for each value, so they stay."""
    if members is not None:
        return np.where(ids == FILL, ids.dtype.type(0), ids)
    numbers = np.arange(int(ids.max()) + 1)
    numbers[FILL:] -= 1
    numbers[FILL] = 0
    return numbers.astype(ids.dtype).take(ids)
