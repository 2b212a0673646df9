import numpy as np
import torch
from pycocotools import mask as coco_mask

from mmoneformer.evaluation.run_lengths import encode_masks


def test_equals_pycocotools_mask_by_mask():
    masks = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0)) > 0.5
    for code, mask in zip(encode_masks(masks), masks, strict=True):
        assert code == coco_mask.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))


def test_no_mask():
    assert encode_masks(torch.zeros(0, 5, 7, dtype=torch.bool)) == []
