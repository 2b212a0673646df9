"""Opens data sets that training would refuse, so that all their faults are found, not the first one alone."""

from collections.abc import Mapping
from typing import Any

from mmengine.dataset import BaseDataset

from mmoneformer.datasets import PanopticSegDataset
from mmoneformer.registry import DATASETS

STRICT = ('PanopticSegDataset', 'mmoneformer.PanopticSegDataset')


class TolerantPanopticDataset(PanopticSegDataset):
    """Has samples whose files are missing, too, and samples with a ``fault``: what is wrong with their annotation."""

    data_list: list[dict[str, Any]]

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the json, and not from the cache, where the strict data set would find what is tolerated here."""
        self._metainfo, samples = self._read()
        return samples

    def filter_data(self) -> list[dict[str, Any]]:
        """Apply ``filter_cfg`` to the samples without fault."""
        faulty = [sample for sample in self.data_list if 'fault' in sample]
        self.data_list = [sample for sample in self.data_list if 'fault' not in sample]
        return faulty + (super().filter_data() if self.data_list else [])

    def _annotated(self, annotation: Mapping[str, Any], labels: Mapping[int, int]) -> dict[str, Any]:
        try:
            return super()._annotated(annotation, labels)
        except ValueError as error:
            return {'fault': str(error)}


def open_dataset(config: Mapping[str, Any]) -> BaseDataset:
    """Build a data set that has every sample once, whatever is wrong with it.

    Raises:
        Exception: Of any type, if there is nothing to be read.
    """
    try:
        dataset = DATASETS.build(_tolerant(config))
        dataset.full_init()
    except ValueError as error:
        if 'need at least one array' in str(error):  # what mmengine's packing of samples says where there is none
            raise ValueError(f'no image is found: check the folders and files of {dict(config)}') from error
        raise
    if not isinstance(dataset, BaseDataset):
        raise TypeError(
            f'{type(dataset).__name__} hides its samples: make its data sets sources of a MultiSourceDataset'
        )
    return dataset


def _tolerant(config: Mapping[str, Any]) -> dict[str, Any]:
    copy = {key: value for key, value in config.items() if key != 'shares'}  # which would repeat images
    if copy['type'] in STRICT:
        copy['type'] = TolerantPanopticDataset
    if 'sources' in copy:
        copy['sources'] = [_tolerant(source) for source in copy['sources']]
    return copy
