"""Reads the instances of an image, which may overlap: instance annotation alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from pycocotools import mask as coco_mask

from mmoneformer.registry import TRANSFORMS

RunLengths = dict[str, Any]


@TRANSFORMS.register_module()
class LoadInstanceMap(BaseTransform):
    """Draw the instances of one of mmdet's data sets as one id map, although they may overlap.

    The sample is one of a ``MultiSourceDataset``. Adds ``gt_seg_map`` [H, W], uint8 or uint16, and ``gt_members``,
    bool [R, N]: a pixel of value r belongs to each ``segments[n]`` of which ``gt_members[r, n]`` is true; row 0 is
    void. So that what changes the geometry touches one array, not N masks, and no pixel is lost to another instance.
    It stands where ``LoadPanopticMap`` would.

    Raises:
        ValueError: If an instance has no mask, or run lengths of another size than the image.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the map to the sample."""
        height, width = results['ori_shape']
        codes = [_encode(instance, height, width, results['img_path']) for instance in results['instances']]
        results['gt_seg_map'], results['gt_members'] = draw_overlapping(codes, (height, width))
        return results


def draw_overlapping(codes: Sequence[RunLengths], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw masks that may overlap as one map.

    Args:
        codes: Run lengths of N masks.
        size: Height and width in pixels.

    Returns:
        The map [H, W], uint8 or uint16, and bool [R, N]: which masks the R values of the map belong to. Row 0 is of
        none, every other value has a pixel.
    """
    ids = np.zeros(size, np.int64)
    members: list[frozenset[int]] = [frozenset()]
    for number, code in enumerate(codes):
        left, top, width, height = coco_mask.toBbox(code).astype(int)
        window = np.s_[top : top + height, left : left + width]
        mask = coco_mask.decode(code)[window].astype(bool)
        covered = ids[window][mask]
        touched = np.flatnonzero(np.bincount(covered))  # each value that the mask meets is split in two
        renamed = np.zeros(len(members), np.int64)
        renamed[touched] = np.arange(len(members), len(members) + len(touched))
        ids[window][mask] = renamed[covered]
        members += [members[value] | {number} for value in touched]
    table = np.zeros((len(members), len(codes)), bool)
    for value, numbers in enumerate(members):
        table[value, list(numbers)] = True
    return _drop_unused(ids, table)


def _drop_unused(ids: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    used = np.bincount(ids.ravel(), minlength=len(table)) > 0
    used[0] = True
    numbers = (np.cumsum(used) - 1).astype(np.min_scalar_type(used.sum()))
    return numbers.take(ids), table[used]


def _encode(instance: Mapping[str, Any], height: int, width: int, where: str) -> RunLengths:
    """Run lengths of polygons, without those of fewer than three points, or of run lengths, compressed or not."""
    mask = instance.get('mask')
    if mask is None:
        raise ValueError(f'{where}: an instance has a box and no segmentation, which cannot teach masks')
    if isinstance(mask, list):
        polygons = [polygon for polygon in mask if len(polygon) >= 6 and len(polygon) % 2 == 0]
        if not polygons:
            return coco_mask.encode(np.zeros((height, width), np.uint8, order='F'))
        return coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    if list(mask['size']) != [height, width]:
        raise ValueError(f'{where} has height and width {(height, width)}, but an instance of it {mask["size"]}')
    return coco_mask.frPyObjects(mask, height, width) if isinstance(mask['counts'], list) else mask
