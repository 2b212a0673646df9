"""Loads the instances of an image, which may overlap."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from pycocotools import mask as coco_mask

from mmoneformer.errors import AnnotationError, AnnotationSizeError
from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures.segment_map import FILL, SegmentMap, skip_fill

RunLengths = dict[str, Any]


@TRANSFORMS.register_module()
class LoadInstanceMap(BaseTransform):
    """Load the instances of a sample of mmdet's data sets as one id map, including overlaps.

    The sample is one of a ``MultiSourceDataset``. Adds ``gt_seg_map`` [H, W], uint8 or uint16, like
    ``LoadPanopticMap``, and ``gt_members``, bool [R, N]: a pixel of value r belongs to each ``segments[n]`` with
    ``gt_members[r, n]``; rows 0 and 255 are void (``SegmentMap``).

    Raises:
        AnnotationError: If an instance has no mask.
        AnnotationSizeError: If the run lengths of an instance have another size than the image.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the map to the sample."""
        height, width = results['ori_shape']
        codes = [_encode(instance, height, width, results['img_path']) for instance in results['instances']]
        drawn = draw_overlapping(codes, (height, width))
        results['gt_seg_map'], results['gt_members'] = drawn.ids, drawn.members
        results['seg_fields'] = ['gt_seg_map']
        return results


def draw_overlapping(codes: Sequence[RunLengths], size: tuple[int, int]) -> SegmentMap:
    """Draw masks that may overlap as one map.

    Args:
        codes: Run lengths of N masks.
        size: Height and width in pixels.

    Returns:
        The masks, with ids as uint8 or uint16 and a table of members; each value but 0 and 255 has a pixel.
    """
    ids = np.zeros(size, np.int64)
    members: list[frozenset[int]] = [frozenset()]
    for number, code in enumerate(codes):
        left, top, width, height = coco_mask.toBbox(code).astype(int)
        window = np.s_[top : top + height, left : left + width]
        mask = coco_mask.decode(code)[window].astype(bool)
        covered = ids[window][mask]
        touched = np.flatnonzero(np.bincount(covered))  # the part of each value inside the mask gets a new value
        new_values = np.zeros(len(members), np.int64)
        new_values[touched] = np.arange(len(members), len(members) + len(touched))
        ids[window][mask] = new_values[covered]
        members += [members[value] | {number} for value in touched]
    table = np.zeros((len(members), len(codes)), bool)
    for value, numbers in enumerate(members):
        table[value, list(numbers)] = True
    return _drop_unused(ids, table)


def _drop_unused(ids: np.ndarray, table: np.ndarray) -> SegmentMap:
    used = np.bincount(ids.ravel(), minlength=len(table)) > 0
    used[0] = True
    table = table[used]
    numbers = skip_fill((np.cumsum(used) - 1).astype(np.min_scalar_type(len(table))), len(table) - 1)
    if len(table) > FILL:
        table = np.insert(table, FILL, False, axis=0)
    return SegmentMap(numbers.take(ids), table.shape[1], table)


def _encode(instance: Mapping[str, Any], height: int, width: int, path: str) -> RunLengths:
    """Run lengths of an instance, from polygons (those of fewer than three points are skipped) or run lengths."""
    mask = instance.get('mask')
    if mask is None:
        raise AnnotationError(f'{path}: an instance has a box, but no segmentation to learn masks from')
    if isinstance(mask, list):
        polygons = [polygon for polygon in mask if len(polygon) >= 6 and len(polygon) % 2 == 0]
        if not polygons:
            return coco_mask.encode(np.zeros((height, width), np.uint8, order='F'))
        return coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    if list(mask['size']) != [height, width]:
        raise AnnotationSizeError(f'{path} has height and width {(height, width)}, but an instance has {mask["size"]}')
    return coco_mask.frPyObjects(mask, height, width) if isinstance(mask['counts'], list) else mask
