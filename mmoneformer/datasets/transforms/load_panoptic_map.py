"""Loads id maps of COCO-panoptic annotations."""

from collections.abc import Sequence
from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio

from mmoneformer.datasets.transforms.load_image import check_size
from mmoneformer.errors import UnknownLabelError, UnreadableFileError
from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures.panoptic_ids import colors_to_ids
from mmoneformer.structures.segment_map import skip_fill

PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
EIGHT_BIT_RGB = b'\x08\x02'  # bit depth and color type, bytes 24 and 25 of every PNG


@TRANSFORMS.register_module()
class LoadPanopticMap(BaseTransform):
    """Load the COCO-panoptic PNG of an image and number its segments in the order of ``segments``.

    Adds ``gt_seg_map`` [H, W], which the transforms of mmcv and mmdet treat as a segmentation map, and lists it in
    ``seg_fields``, as those of mmseg need: pixel value i + 1 belongs to ``segments[i]``, from i = 254 on i + 2; 0 and
    255, with which transforms fill maps, are void (``SegmentMap``). uint8, or uint16 for more than 254 segments. Sets
    the ``id`` of each segment to i + 1. A segment without pixels stays in the list. Images without annotation are
    returned unchanged.

    Place it after the image is loaded: before the geometric transforms in training, and after the resize in test
    pipelines, where evaluation takes place at the original size. The map must have the size of the image as loaded,
    which is rotated by its EXIF orientation (``LoadImageFromFile``).

    Args:
        backend_args: Storage backend, as in ``mmengine.fileio.get``; None infers it from the path.

    Raises:
        UnreadableFileError: If the file is damaged or not an 8-bit RGB PNG.
        AnnotationSizeError: If it has another size than the image.
        UnknownLabelError: If it has pixels whose id is not in ``segments``.
    """

    def __init__(self, *, backend_args: dict[str, Any] | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the map to the sample."""
        if 'seg_map_path' not in results:
            return results
        source = f'{results["seg_map_path"]} (image id {results["img_id"]})'
        segments = results['segments']
        content = fileio.get(results['seg_map_path'], backend_args=self.backend_args)
        ids = _decode_ids(content, source, results['ori_shape'])
        results['gt_seg_map'] = _renumber(ids, [segment['id'] for segment in segments], source)
        results['seg_fields'] = ['gt_seg_map']
        results['segments'] = [segment | {'id': index} for index, segment in enumerate(segments, start=1)]
        return results


def _decode_ids(content: bytes, source: str, image_size: tuple[int, int]) -> np.ndarray:
    """Decode a PNG of the size of the image to ids R + 256 G + 65536 B, uint32 [H, W]."""
    if content[:8] != PNG_SIGNATURE or content[24:26] != EIGHT_BIT_RGB:
        raise UnreadableFileError(
            f'{source} is not an 8-bit RGB PNG (without palette and alpha): its colors must be segment ids'
        )
    width, height = np.frombuffer(content[16:24], '>u4').tolist()
    check_size((height, width), image_size, source)  # before a huge image is decoded
    image = mmcv.imfrombytes(content, flag='unchanged', backend='cv2')
    if image is None:
        raise UnreadableFileError(f'{source} is a damaged PNG: copy or download it again')
    return colors_to_ids(image, bgr=True)


def _renumber(ids: np.ndarray, known: Sequence[int], source: str) -> np.ndarray:
    """Replace ``known[i]`` by the value of segment i.

    The lookup table has rows of 2 ** 12 ids, and only the rows in use: filling a table of all 2 ** 24 ids takes longer
    than loading the map.
    """
    in_order = np.array([0, *known], np.uint32)
    used, rows = np.unique(in_order >> 12, return_inverse=True)
    row_of = np.zeros(1 << 12, np.uint32)
    row_of[used] = np.arange(len(used), dtype=np.uint32) << 12
    table = np.zeros(len(used) << 12, np.min_scalar_type(len(known)))
    table[(rows << 12) + (in_order & 0xFFF)] = np.arange(len(in_order))
    # all indices are in range; mode='clip' is the one in which numpy does not check them
    numbers = table.take(row_of.take(ids >> 12, mode='clip') + (ids & 0xFFF), mode='clip')
    unknown = ids[in_order.take(numbers, mode='clip') != ids]
    if unknown.size:
        raise UnknownLabelError(
            f'{source} has pixels with ids that are not among its segments: {np.unique(unknown)[:5].tolist()}'
        )
    return skip_fill(numbers, len(known))
