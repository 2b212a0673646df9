"""Reads all samples of a split, in parallel."""

from typing import Any

import cv2
from mmengine.dataset import BaseDataset
from rich.console import Console
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from mmoneformer.data_check.examination import examine
from mmoneformer.data_check.sample_record import SampleRecord


class _Examined(Dataset):
    """A data set whose items are records."""

    def __init__(self, dataset: BaseDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> SampleRecord:
        return examine(self.dataset, index)


def read_samples(dataset: BaseDataset, *, title: str, workers: int) -> list[SampleRecord]:
    """Examine each sample, behind a progress bar.

    Args:
        dataset: With its pipeline.
        title: Of the bar.
        workers: Processes; 0 reads in this one.
    """
    loader = DataLoader(
        _Examined(dataset), batch_size=None, collate_fn=_as_is, num_workers=workers, worker_init_fn=_use_one_thread
    )
    return list(track(loader, title, total=len(dataset), console=Console(stderr=True)))


def _as_is(record: Any) -> Any:
    return record


def _use_one_thread(worker: int) -> None:
    cv2.setNumThreads(0)  # the workers share the cores already
