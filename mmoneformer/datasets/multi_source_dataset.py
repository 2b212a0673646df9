"""Data sets of any annotation, alone or several in one training, under one list of classes."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.dataset import BaseDataset

from mmoneformer.datasets.source import Source
from mmoneformer.metainfo import MetainfoLike, resolve_metainfo
from mmoneformer.registry import DATASETS


@DATASETS.register_module()
class MultiSourceDataset(BaseDataset):
    """Images of one or several sources, each with the tasks that its annotation can tell.

    A source is a ``PanopticSegDataset`` (all tasks), mmdet's ``CocoDataset`` or one of its kind (instance task) or
    mmseg's ``BaseSegDataset`` or one of its kind (semantic task). It has no pipeline: that of the whole begins with
    ``LoadSegments``, which reads each kind of annotation. Classes are found by their names; those that a source does
    not have are not taught as background there (``MaskSetLoss``).

    In training, instances and label maps without any panoptic source teach the panoptic task together: the ones its
    things, the others its stuff, each with the rest as unlabeled (``SampleTask``).

    Args:
        sources: Configs of the data sets; where they do not say ``test_mode``, it is that of the whole.
        metainfo: Classes of all, as ``resolve_metainfo`` takes it. The model's are the same.
        shares: How often each source is drawn, relative to the others; None draws each image as often as any other.
            For training: images of a source with a large share occur several times.
        **kwargs: ``pipeline``, ``test_mode``, ``indices``, ``serialize_data``, ``lazy_init`` and ``max_refetch`` of
            ``mmengine.dataset.BaseDataset``.

    Raises:
        ValueError: If a source does not fit the classes, or the shares do not fit the sources.
    """

    def __init__(
        self,
        *,
        sources: Sequence[Mapping[str, Any]],
        metainfo: MetainfoLike,
        shares: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        if shares is not None and (len(shares) != len(sources) or min(shares) <= 0):
            raise ValueError(f'shares must be {len(sources)} numbers above 0, one for each source, got {list(shares)}')
        self._shares = shares
        self._configs = sources
        super().__init__(metainfo=resolve_metainfo(metainfo), **kwargs)

    def load_data_list(self) -> list[dict[str, int]]:
        """Build the sources; an entry says which one, and which of its images."""
        common = {'test_mode': self.test_mode, 'lazy_init': True}
        datasets = [DATASETS.build(config, default_args=common) for config in self._configs]
        self.sources = [Source(dataset, self._metainfo) for dataset in datasets]
        annotations = {source.annotation for source in self.sources}
        are_parts = annotations == {'instance', 'semantic'} and not self.test_mode
        self._joint_tasks = ('panoptic',) if are_parts else ()
        sizes = [len(source) for source in self.sources]
        counts = sizes if self._shares is None else _counts(sizes, self._shares)
        return [
            {'source': number, 'index': index % size}
            for number, (size, count) in enumerate(zip(sizes, counts, strict=True))
            for index in range(count)
        ]

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return a sample as ``Source.sample`` gives it, with the united ``classes`` and ``thing_ids``."""
        place = super().get_data_info(idx)
        sample = self.sources[place['source']].sample(place['index'])
        united = {key: self._metainfo[key] for key in ('classes', 'thing_ids')}
        tasks = (*self._joint_tasks, *sample['tasks'])
        return sample | united | {'tasks': tasks, 'sample_idx': place['sample_idx']}


def _counts(sizes: Sequence[int], shares: Sequence[float]) -> list[int]:
    """The least numbers in the ratio of the shares that give each image at least once."""
    unit = max(size / share for size, share in zip(sizes, shares, strict=True))
    return [round(unit * share) for share in shares]
