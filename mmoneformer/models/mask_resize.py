"""Mask logits at the size of the original image, some rows at a time.

A mask travels from stride 4 to the padded input, is cropped to the image and resized to the original size, both
times bilinearly. 250 masks of 2048 x 1024 pixels take 2 GB; a block of rows needs only the rows that it reads.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Size = tuple[int, int]
ReadRows = Callable[[int, int], Tensor]
# of all masks in a block, read or written: what a processor's caches hold, and what keeps a GPU busy
BLOCK_ELEMENTS = {'cpu': 2**21, 'cuda': 2**24}


class Frame(NamedTuple):
    """Heights and widths on a mask's way.

    Attributes:
        padded: Of the network's input.
        image: Of the resized image inside the input's top left corner.
        original: Of the image as the user has it.
    """

    padded: Size
    image: Size
    original: Size


def row_blocks(mask_logits: Tensor, frame: Frame) -> Iterator[tuple[slice, Tensor]]:
    """Resize masks to the original size.

    Args:
        mask_logits: [N, h, w], spanning the padded input.
        frame: The sizes.

    Yields:
        The rows, and the masks' float32 logits there, [N, rows, W].
    """
    height, width = frame.original
    rows_read = max(1.0, frame.image[0] / height)  # per row of the result
    row_elements = max(1, len(mask_logits)) * max(width, frame.padded[1]) * rows_read
    step = max(1, int(BLOCK_ELEMENTS.get(mask_logits.device.type, 2**24) / row_elements))

    def read_mask(start: int, stop: int) -> Tensor:
        return mask_logits[:, start:stop].float()

    def read_image(start: int, stop: int) -> Tensor:
        rows = _resize_rows(read_mask, (mask_logits.shape[1], mask_logits.shape[2]), frame.padded, start, stop)
        return rows[..., : frame.image[1]]

    for start in range(0, height, step):
        stop = min(start + step, height)
        yield slice(start, stop), _resize_rows(read_image, frame.image, frame.original, start, stop)


def _resize_rows(read: ReadRows, source: Size, target: Size, start: int, stop: int) -> Tensor:
    """Rows start to stop of what ``F.interpolate(..., target, mode='bilinear')`` makes of a source [N, h, w]."""
    if source == target:
        return read(start, stop)
    height = source[0]
    position = (torch.arange(start, stop) + 0.5) * (height / target[0]) - 0.5
    position = position.clamp(min=0)
    above = position.to(torch.int64).clamp(max=height - 1)
    below = (above + 1).clamp(max=height - 1)
    first, last = int(above[0]), int(below[-1])
    rows = read(first, last + 1)
    rows = F.interpolate(rows[:, None], (rows.shape[1], target[1]), mode='bilinear', align_corners=False)[:, 0]
    above, below, weight = (index.to(rows.device) for index in (above - first, below - first, position - above))
    return torch.lerp(rows[:, above], rows[:, below], weight[:, None])
