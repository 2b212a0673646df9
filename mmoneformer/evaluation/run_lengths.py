"""Masks as COCO's run lengths."""

from typing import Any

import torch
from pycocotools import mask as coco_mask
from torch import Tensor


def encode_masks(masks: Tensor) -> list[dict[str, Any]]:
    """Encode masks, bool [N, H, W], as dicts of ``size`` (height, width) and compressed ``counts`` (bytes)."""
    columns_first = masks.to(torch.uint8).transpose(1, 2).contiguous().cpu().numpy()  # [N, W, H]
    return coco_mask.encode(columns_first.transpose(2, 1, 0))  # [H, W, N] in Fortran's order, without a copy
