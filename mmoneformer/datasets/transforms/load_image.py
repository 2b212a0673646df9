"""Loads images."""

from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio

from mmoneformer.errors import AnnotationSizeError, UnreadableFileError
from mmoneformer.registry import TRANSFORMS

JPEG_START, JPEG_SCAN, JPEG_END = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'


@TRANSFORMS.register_module()
class LoadImageFromFile(BaseTransform):
    """Load an image. Unlike mmcv's transform of this name, it names the file if it is damaged or truncated.

    Adds ``img`` (BGR, uint8 [H, W, 3], 0 to 255), and ``img_shape`` and ``ori_shape`` (height, width). Grayscale,
    palette and CMYK images are converted to BGR, an alpha channel is dropped, 16-bit values are cut to their upper 8
    bits, and of several frames the first is used. Images are rotated by their EXIF orientation, as annotators see
    them.

    Args:
        color_type: Flag of ``mmcv.imfrombytes``; 'color_ignore_orientation' loads images as they are stored.
        imdecode_backend: Decoder, 'cv2' or 'pillow'.
        to_float32: Whether ``img`` is converted to float32, in the same range.
        backend_args: Storage backend, as in ``mmengine.fileio.get``; None infers it from the path.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableFileError: If the file is empty, truncated, damaged or not an image.
        AnnotationSizeError: If the sample has another ``height`` or ``width`` than the image.
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
            raise UnreadableFileError(f'{path} is empty: copy or download it again')
        if _is_truncated(content):
            raise UnreadableFileError(f'{path} is a truncated JPEG: copy or download it again')
        try:
            image = mmcv.imfrombytes(content, flag=self.color_type, backend=self.imdecode_backend)
        except Exception as error:  # the type depends on the decoder and the damage
            raise UnreadableFileError(f'{path} is not a readable image: {error}') from error
        if image is None:
            raise UnreadableFileError(f'{path} is not a readable image: it is damaged or of an unknown format')
        return image


def loaded_image(image: np.ndarray) -> dict[str, Any]:
    """The sample of an image in memory, BGR [H, W, 3], as ``LoadImageFromFile`` makes it of a file."""
    return dict(img_path=None, img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])


def check_size(size: tuple[int, ...], image_size: tuple[int, ...], source: str) -> None:
    """Check that an annotation has the height and width of its image as it was loaded.

    Args:
        size: Height and width of the annotation.
        image_size: Height and width of the image.
        source: The annotation, for the message.

    Raises:
        AnnotationSizeError: If they differ.
    """
    if tuple(size) == tuple(image_size):
        return
    remedy = 'take both from the same release, and do not resize only one of them'
    if tuple(size) == tuple(image_size)[::-1]:
        remedy = (
            'if the annotation was made without the EXIF orientation of the image, load images with '
            "color_type='color_ignore_orientation'"
        )
    raise AnnotationSizeError(
        f'{source} has height and width {tuple(size)}, but its image has {tuple(image_size)}; {remedy}'
    )


def _is_truncated(content: bytes) -> bool:
    """Whether a JPEG has no end marker; OpenCV below 5 would silently fill the missing part with gray."""
    if not content.startswith(JPEG_START):
        return False
    position = len(JPEG_START)
    while content[position : position + 2] not in (JPEG_SCAN, b''):  # skip the headers: one may hold a thumbnail
        position += 2 + max(int.from_bytes(content[position + 2 : position + 4], 'big'), 1)
    return position < len(content) and content.find(JPEG_END, position) < 0
