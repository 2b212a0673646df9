"""Reads the id map of an image."""

from collections.abc import Sequence
from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio

from mmoneformer.datasets.transforms.load_image import check_size
from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures.panoptic_ids import colors_to_ids

PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
EIGHT_BIT_RGB = b'\x08\x02'  # bit depth and color type, bytes 24 and 25 of every PNG


@TRANSFORMS.register_module()
class LoadPanopticMap(BaseTransform):
    """Read the COCO-panoptic PNG and number its segments in the order of their list.

    Adds ``gt_seg_map`` [H, W], the key that resize, crop, flip and pad treat as a segmentation map: pixel value i + 1
    belongs to ``segments[i]``, 0 is void; uint8, or uint16 for more than 255 segments. Sets each segment's ``id`` to
    i + 1. A listed segment without a pixel stays in the list. Images without annotation pass unchanged.

    It stands after the image is loaded. In training it is followed by what changes the geometry; in a test pipeline
    it stands after the resize, so that evaluation sees the original size. Images are compared as loaded: the default
    ``LoadImageFromFile`` turns them upright by their EXIF orientation, as the annotators saw them.

    Args:
        backend_args: Storage backend as ``mmengine.fileio.get`` takes it; None for what the path says.

    Raises:
        ValueError: If the file is no 8 bit RGB PNG, has another size than the image, or has pixels whose id is not in
            ``segments``.
    """

    def __init__(self, *, backend_args: dict[str, Any] | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the map to the sample."""
        if 'seg_map_path' not in results:
            return results
        where = f'{results["seg_map_path"]} (image id {results["img_id"]})'
        segments = results['segments']
        content = fileio.get(results['seg_map_path'], backend_args=self.backend_args)
        ids = _decode_ids(content, where, results['ori_shape'])
        results['gt_seg_map'] = _renumber(ids, [segment['id'] for segment in segments], where)
        results['segments'] = [segment | {'id': index} for index, segment in enumerate(segments, start=1)]
        return results


def _decode_ids(content: bytes, where: str, image_size: tuple[int, int]) -> np.ndarray:
    """Decode a PNG of the image's size to ids R + 256 G + 65536 B, uint32 [H, W]."""
    if content[:8] != PNG_SIGNATURE or content[24:26] != EIGHT_BIT_RGB:
        raise ValueError(f'{where} is no 8 bit RGB PNG (without palette and alpha): its colors cannot be segment ids')
    width, height = np.frombuffer(content[16:24], '>u4').tolist()
    check_size((height, width), image_size, where)  # before gigabytes are made of a wrong one
    image = mmcv.imfrombytes(content, flag='unchanged', backend='cv2')
    if image is None:
        raise ValueError(f'{where} is a damaged PNG: copy or download it again')
    return colors_to_ids(image, bgr=True)


def _renumber(ids: np.ndarray, known: Sequence[int], where: str) -> np.ndarray:
    """Replace ``known[i]`` by i + 1.

    The table from ids to numbers has rows of 2 ** 12 ids, and only those rows that are in use: to make one of all
    2 ** 24 ids takes longer than to read it.
    """
    in_order = np.array([0, *known], np.uint32)
    used, rows = np.unique(in_order >> 12, return_inverse=True)
    row_of = np.zeros(1 << 12, np.uint32)
    row_of[used] = np.arange(len(used), dtype=np.uint32) << 12
    table = np.zeros(len(used) << 12, np.min_scalar_type(len(known)))
    table[(rows << 12) + (in_order & 0xFFF)] = np.arange(len(in_order))
    # clipping clips nothing here: it is the mode of numpy that does not check each index
    numbers = table.take(row_of.take(ids >> 12, mode='clip') + (ids & 0xFFF), mode='clip')
    strays = ids[in_order.take(numbers, mode='clip') != ids]
    if strays.size:
        raise ValueError(
            f'{where} has pixels with ids that are not among its segments: {np.unique(strays)[:5].tolist()}'
        )
    return numbers
