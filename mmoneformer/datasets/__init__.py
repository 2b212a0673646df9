"""From annotated images to batches."""

from mmoneformer.datasets import transforms
from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.datasets.resumable_sampler import ResumableSampler
from mmoneformer.datasets.united_dataset import UnitedDataset
from mmoneformer.datasets.worker import outlive_sigterm

__all__ = ['PanopticSegDataset', 'ResumableSampler', 'UnitedDataset', 'outlive_sigterm', 'transforms']
