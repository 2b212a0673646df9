"""From COCO-panoptic folders to batches."""

from mmoneformer.datasets import transforms
from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset

__all__ = ['PanopticSegDataset', 'transforms']
