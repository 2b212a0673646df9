"""The sizes between which masks are resized: from stride 4 to the padded input, cropped, and to the original image."""

from collections.abc import Sequence
from typing import NamedTuple

from mmdet.structures import DetDataSample
from torch import Tensor

Size = tuple[int, int]
FLIPPED = {None: (False, False), 'horizontal': (False, True), 'vertical': (True, False), 'diagonal': (True, True)}


class MaskGeometry(NamedTuple):
    """Heights and widths, in pixels, between which masks are resized and cropped.

    Attributes:
        padded: Of the network's input.
        image: Of the resized image, which is in the top left corner of the input.
        original: Of the original image.
        flipped: Whether the resized image is upside down, and whether it is mirrored.
    """

    padded: Size
    image: Size
    original: Size
    flipped: tuple[bool, bool] = (False, False)

    @classmethod
    def of(cls, sample: DetDataSample, inputs: Tensor) -> 'MaskGeometry':
        """Read the sizes from a data sample and the inputs [B, 3, H, W].

        ``img_shape`` includes what a pipeline pads; the image alone has the size ``ori_shape`` times ``scale_factor``.

        Args:
            sample: Has ``img_shape`` and ``ori_shape``, and maybe ``scale_factor``, ``flip`` and ``flip_direction``.
            inputs: The batch.

        Raises:
            ValueError: If the image is cropped, or padded and flipped.
        """
        shape, original = _size(sample.img_shape), _size(sample.ori_shape)
        image = scaled_size(original, sample.scale_factor) if 'scale_factor' in sample else shape
        direction = sample.get('flip_direction') if sample.get('flip') else None
        if image[0] > shape[0] or image[1] > shape[1]:
            raise ValueError(
                f'{sample.get("img_path")}: the image of {original} pixels is scaled to {image} and then cut to '
                f'{shape} (height, width), so the rest has no result: take the transform that crops out of the test '
                'pipeline'
            )
        if direction and image != shape:
            raise ValueError(
                f'{sample.get("img_path")}: the image is padded from {image} to {shape} (height, width) and flipped '
                f'({direction}), so its place is unknown: take Pad or the flip out of the test pipeline'
            )
        return cls((inputs.shape[-2], inputs.shape[-1]), image, original, FLIPPED[direction])


def scaled_size(size: Size, factor: Sequence[float]) -> Size:
    """Height and width after mmcv's Resize, whose scale factor is that of the width, then that of the height."""
    return int(size[0] * factor[1] + 0.5), int(size[1] * factor[0] + 0.5)


def _size(shape: Sequence[int]) -> Size:
    return int(shape[0]), int(shape[1])
