"""Data sets, and their pipelines from files to batches."""

from mmoneformer.datasets import transforms
from mmoneformer.datasets.multi_source_dataset import MultiSourceDataset
from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.datasets.resumable_loading import ResumableSampler, ignore_sigterm

__all__ = ['MultiSourceDataset', 'PanopticSegDataset', 'ResumableSampler', 'ignore_sigterm', 'transforms']
