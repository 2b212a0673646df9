"""Reads the id map of an image."""

from collections.abc import Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio

from mmoneformer.registry import TRANSFORMS

PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
EIGHT_BIT_RGB = b'\x08\x02'  # bit depth and colour type, bytes 24 and 25 of every PNG


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
        ids = _decode_ids(fileio.get(results['seg_map_path'], backend_args=self.backend_args), where)
        _check_size(ids.shape, results['ori_shape'], where)
        results['gt_seg_map'] = _renumber(ids, [segment['id'] for segment in segments], where)
        results['segments'] = [segment | {'id': index} for index, segment in enumerate(segments, start=1)]
        return results


def _decode_ids(content: bytes, where: str) -> np.ndarray:
    """Decode a PNG to ids R + 256 G + 65536 B, uint32 [H, W]."""
    if content[:8] != PNG_SIGNATURE or content[24:26] != EIGHT_BIT_RGB:
        raise ValueError(f'{where} is no 8 bit RGB PNG (without palette and alpha): its colours cannot be segment ids')
    image = mmcv.imfrombytes(content, flag='unchanged', backend='cv2')
    if image is None:
        raise ValueError(f'{where} is a damaged PNG')
    rgba = cv2.cvtColor(image, cv2.COLOR_BGR2RGBA)
    return rgba.view('<u4')[..., 0] & 0xFFFFFF


def _check_size(size: tuple[int, ...], image_size: tuple[int, int], where: str) -> None:
    if size == tuple(image_size):
        return
    hint = ''
    if size == tuple(image_size)[::-1]:
        hint = (
            '; if the map was drawn on the image as stored, without its EXIF orientation, load images with '
            "color_type='color_ignore_orientation'"
        )
    raise ValueError(f'{where} has height and width {size}, its image has {tuple(image_size)}{hint}')


def _renumber(ids: np.ndarray, known: Sequence[int], where: str) -> np.ndarray:
    """Replace ``known[i]`` by i + 1."""
    table = np.zeros(1 << 24, np.min_scalar_type(len(known)))  # memory that is never touched costs nothing
    table[list(known)] = np.arange(1, len(known) + 1)
    numbers = table.take(ids)
    strays = np.unique(ids[(numbers == 0) & (ids != 0)])
    if strays.size:
        raise ValueError(f'{where} has pixels with ids that are not among its segments: {strays[:5].tolist()}')
    return numbers
