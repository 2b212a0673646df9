"""Reads images."""

from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio

from mmoneformer.registry import TRANSFORMS

JPEG_START, JPEG_SCAN, JPEG_END = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'


@TRANSFORMS.register_module()
class LoadImageFromFile(BaseTransform):
    """Read an image: mmcv's transform of this name, but a file that is no whole picture is an error that names it.

    Adds ``img`` (BGR, uint8 [H, W, 3], 0 to 255), and ``img_shape`` and ``ori_shape`` (height, width). Gray, palette
    and CMYK images become BGR, an alpha channel is dropped, 16 bits are cut to the upper 8, of several frames the
    first is taken. Images are turned upright by their EXIF orientation, as annotators see them.

    Args:
        color_type: How ``mmcv.imfrombytes`` decodes; 'color_ignore_orientation' reads images as they are stored.
        imdecode_backend: What decodes: 'cv2' or 'pillow'.
        to_float32: Whether ``img`` becomes float32, in the same range.
        backend_args: Storage backend as ``mmengine.fileio.get`` takes it; None for what the path says.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, cut short or no picture, or its size is not the ``height`` and ``width``
            that the sample comes with.
    """

    def __init__(
        self,
        *,
        color_type: str = 'color',
        imdecode_backend: str = 'cv2',
        to_float32: bool = False,
        backend_args: dict[str, Any] | None = None,
    ) -> None:
        self.color_type = color_type
        self.imdecode_backend = imdecode_backend
        self.to_float32 = to_float32
        self.backend_args = backend_args

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the image to the sample."""
        path = results['img_path']
        image = self._decode(fileio.get(path, backend_args=self.backend_args), path)
        size = image.shape[:2]
        if 'height' in results and 'width' in results:
            check_size((results['height'], results['width']), size, f'the annotation of {path}')
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        results['img_shape'] = results['ori_shape'] = size
        return results

    def _decode(self, content: bytes, path: str) -> np.ndarray:
        if not content:
            raise ValueError(f'{path} is empty: copy or download it again')
        if _is_cut_short(content):
            raise ValueError(f'{path} is a JPEG that ends before its picture does: copy or download it again')
        try:
            image = mmcv.imfrombytes(content, flag=self.color_type, backend=self.imdecode_backend)
        except Exception as error:  # of any type, by decoder and damage
            raise ValueError(f'{path} is no picture that can be read: {error}') from error
        if image is None:
            raise ValueError(f'{path} is no picture that can be read: it is damaged, or of an unknown format')
        return image


def check_size(size: tuple[int, ...], image_size: tuple[int, ...], where: str) -> None:
    """Compare height and width of an annotation with those of its image as it was loaded.

    Raises:
        ValueError: If they differ; ``where`` names the annotation.
    """
    if tuple(size) == tuple(image_size):
        return
    remedy = 'take both from one release, and resize neither by itself'
    if tuple(size) == tuple(image_size)[::-1]:
        remedy = (
            'if it was made for the image as stored, without its EXIF orientation, load images with '
            "color_type='color_ignore_orientation'"
        )
    raise ValueError(f'{where} has height and width {tuple(size)}, its image has {tuple(image_size)}; {remedy}')


def _is_cut_short(content: bytes) -> bool:
    """Whether a JPEG lacks its end; OpenCV below 5 would fill the rest of the picture with gray, and say nothing."""
    if not content.startswith(JPEG_START):
        return False
    position = len(JPEG_START)
    while content[position : position + 2] not in (JPEG_SCAN, b''):  # over the headers: one may hold a whole thumbnail
        position += 2 + max(int.from_bytes(content[position + 2 : position + 4], 'big'), 1)
    return position < len(content) and content.find(JPEG_END, position) < 0
