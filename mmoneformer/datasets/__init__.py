"""From annotated images to batches."""

from mmoneformer.datasets import transforms
from mmoneformer.datasets.multi_source_dataset import MultiSourceDataset
from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.datasets.resumable_sampler import ResumableSampler
from mmoneformer.datasets.worker import ignore_sigterm

__all__ = ['PanopticSegDataset', 'ResumableSampler', 'MultiSourceDataset', 'ignore_sigterm', 'transforms']
