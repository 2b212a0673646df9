"""Bounding boxes of masks."""

import torch
from torch import Tensor


def mask_boxes(masks: Tensor) -> Tensor:
    """Bounding boxes of masks, bool [N, H, W].

    Returns:
        x1, y1, x2, y2 in pixels, the last two exclusive; zeros for an empty mask; float32 [N, 4].
    """
    bytes_ = masks.view(torch.uint8)  # far faster than any() of booleans
    return occupied_boxes(bytes_.amax(1), bytes_.amax(2)).float()


def occupied_boxes(columns: Tensor, rows: Tensor) -> Tensor:
    """``mask_boxes`` from which columns and rows have a pixel, uint8 [N, W] and [N, H]; int64 [N, 4]."""
    (x1, x2), (y1, y2) = (_extent(occupied) for occupied in (columns, rows))
    return torch.stack((x1, y1, x2, y2), dim=1)


def _extent(occupied: Tensor) -> tuple[Tensor, Tensor]:
    """The first occupied place of each row, uint8 [N, L], and the one behind the last; zeros where there is none."""
    first, last = occupied.argmax(1), occupied.shape[1] - occupied.flip(1).argmax(1)
    is_any = occupied.amax(1)
    return first * is_any, last * is_any
