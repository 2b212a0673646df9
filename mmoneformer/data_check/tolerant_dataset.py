"""Opens data sets that training would refuse, to find all their defects rather than the first one."""

from collections.abc import Mapping
from typing import Any

from mmengine.dataset import BaseDataset

from mmoneformer.datasets.left_out import Remark
from mmoneformer.datasets.multi_source_dataset import MultiSourceDataset
from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.datasets.source import Source, read_annotation
from mmoneformer.errors import AnnotationError
from mmoneformer.registry import DATASETS


class TolerantMultiSourceDataset(MultiSourceDataset):
    """Keeps samples with missing files, and does not log what the sources leave out."""

    def _open(self, dataset: BaseDataset) -> Source:
        return Source(dataset, self._metainfo)


class TolerantPanopticDataset(PanopticSegDataset):
    """Keeps samples with missing files, and samples with an inconsistent annotation, which have an ``error``."""

    data_list: list[dict[str, Any]]

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the json, and not from the cache, where ``PanopticSegDataset`` would find what is tolerated here."""
        self._metainfo, samples = self._read()
        return samples

    def filter_data(self) -> list[dict[str, Any]]:
        """Apply ``filter_cfg`` to the samples without an error."""
        faulty = [sample for sample in self.data_list if 'error' in sample]
        self.data_list = [sample for sample in self.data_list if 'error' not in sample]
        return faulty + (super().filter_data() if self.data_list else [])

    def _annotated(self, annotation: Mapping[str, Any], labels: Mapping[int, int]) -> dict[str, Any]:
        try:
            return super()._annotated(annotation, labels)
        except AnnotationError as error:
            return {'error': error}


TOLERANT: dict[type | None, type] = {
    PanopticSegDataset: TolerantPanopticDataset,
    MultiSourceDataset: TolerantMultiSourceDataset,
}


def open_dataset(config: Mapping[str, Any]) -> BaseDataset:
    """Build a data set with each sample once, whatever is wrong with it.

    Raises:
        EmptyDatasetError: If the data set has no image.
        TypeError: If it is not a ``BaseDataset``, but a wrapper of others.
        Exception: Of any other class, if its annotation cannot be read.
    """
    dataset_class = _class_of(config)
    if dataset_class is not None and not issubclass(dataset_class, BaseDataset):
        raise TypeError(
            f'{dataset_class.__name__} cannot be checked: use its data sets as sources of a MultiSourceDataset'
        )
    dataset = DATASETS.build(_tolerant(config), default_args={'lazy_init': True})
    read_annotation(dataset)
    return dataset


def remarks_of(dataset: BaseDataset) -> list[Remark]:
    """What the sources of a data set leave out."""
    return [remark for source in getattr(dataset, 'sources', ()) for remark in source.remarks]


def _tolerant(config: Mapping[str, Any]) -> dict[str, Any]:
    copy = {key: value for key, value in config.items() if key != 'shares'}  # shares would repeat images
    kind = _class_of(config)
    copy['type'] = TOLERANT.get(kind, config['type'])
    if 'sources' in copy:
        copy['sources'] = [_tolerant(source) for source in copy['sources']]
    return copy


def _class_of(config: Mapping[str, Any]) -> type | None:
    kind = config['type']
    return kind if isinstance(kind, type) else DATASETS.get(kind)
