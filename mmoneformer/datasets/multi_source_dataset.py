"""One or several data sets of any annotation, trained together under one list of classes."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdet.datasets import CocoPanopticDataset
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmoneformer.config_files import OF_A_SOURCE
from mmoneformer.datasets.panoptic_dataset import labels_of
from mmoneformer.datasets.pipeline_checks import check_pipeline
from mmoneformer.datasets.source import Source
from mmoneformer.datasets.transforms.mix_images import connect_mixing
from mmoneformer.metainfo import MetainfoLike, class_names, resolve_metainfo, with_names_by_kind
from mmoneformer.registry import DATASETS
from mmoneformer.tasks import TASKS


@DATASETS.register_module()
class MultiSourceDataset(BaseDataset):
    """Images of one or several sources, each with the tasks that its annotation supports.

    A source is a ``PanopticSegDataset`` (all tasks), a data set of mmdet such as ``CocoDataset`` (instance task) or
    one of mmseg such as ``BaseSegDataset`` (semantic task). Sources have no pipeline; the pipeline of this data set
    begins with ``LoadImageFromFile`` and ``LoadSegments``, which loads each kind of annotation. Classes are matched by
    name. Classes that a source does not label are not trained as background in its images (``MaskSetLoss``).

    In training, instances and label maps without any panoptic source train the panoptic task together: the former
    with things as targets, the latter with stuff, each with the other classes unlabeled (``SampleTask``).

    Args:
        sources: Configs of the data sets. ``test_mode`` defaults to that of this data set.
        metainfo: Classes of all sources, as in ``resolve_metainfo``; the same as the model's.
        shares: Relative frequency of the images of each source, for training; None uses each image equally often.
            Images of a source with a large share occur several times in an epoch.
        **kwargs: ``pipeline``, ``test_mode``, ``indices``, ``serialize_data``, ``lazy_init`` and ``max_refetch`` of
            ``mmengine.dataset.BaseDataset``.

    Raises:
        AnnotationError: If the annotation of a source contradicts itself, or its format.
        FileNotFoundError: If an image or an annotation file of a source does not exist.
        ValueError: If a source does not fit the classes, the shares do not fit the sources, or a transform of the
            pipeline would separate images from their id maps (``check_pipeline``).
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
            raise ValueError(f'shares must be {len(sources)} numbers above 0, one per source, got {list(shares)}')
        useless = sorted(OF_A_SOURCE & kwargs.keys())
        if useless:
            print_log(
                f'{", ".join(useless)} of a MultiSourceDataset has no effect: set it in its sources',
                logger='current',
                level=logging.WARNING,
            )
        for number, config in enumerate(sources):
            _check_kind(config, f'sources[{number}]')
            _check_classes(config, f'sources[{number}]')
        self._shares = shares
        self._configs = sources
        super().__init__(metainfo=resolve_metainfo(metainfo), **kwargs)

    @property
    def metainfo(self) -> dict[str, Any]:
        """Classes, thing ids and palette, and the names of things and stuff."""
        return with_names_by_kind(super().metainfo)

    def full_init(self) -> None:
        """Check the pipeline and open the sources."""
        check_pipeline(self.pipeline, source=type(self).__name__, test_mode=self.test_mode)
        super().full_init()
        connect_mixing(self)

    def load_data_list(self) -> list[dict[str, int]]:
        """Build the sources, and list the source and the index of each sample."""
        common = {'test_mode': self.test_mode}
        datasets = [DATASETS.build({**config, 'lazy_init': True}, default_args=common) for config in self._configs]
        self.sources = [self._open(dataset) for dataset in datasets]
        sizes = [len(source) for source in self.sources]
        counts = sizes if self._shares is None else _counts(sizes, self._shares)
        return [
            {'source': number, 'index': index % size}
            for number, (size, count) in enumerate(zip(sizes, counts, strict=True))
            for index in range(count)
        ]

    def _open(self, dataset: BaseDataset) -> Source:
        """Read a source, and log what it leaves out."""
        source = Source(dataset, self._metainfo)
        source.check_files()
        for remark in source.remarks:
            if not remark.is_harmless:
                print_log(remark.sentence(source.where), 'current', logging.WARNING)
        return source

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return a sample of ``Source.sample``, with the ``classes`` and ``thing_ids`` of all sources."""
        place = super().get_data_info(idx)
        sample = self.sources[place['source']].sample(place['index'])
        sample |= {key: self._metainfo[key] for key in ('classes', 'thing_ids')}
        if self._are_complementary:
            sample['tasks'] = (*_tasks_of_all_segments(), *sample['tasks'])
        return sample | {'sample_idx': place['sample_idx']}

    def get_cat_ids(self, idx: int) -> list[int]:
        """Labels of the segments of an image, for ``ClassBalancedDataset`` and mmdet's ``ClassAwareSampler``.

        Raises:
            ValueError: If its annotation is a label map, whose labels are not known before it is read.
        """
        sample = self.get_data_info(idx)
        if sample['annotation'] == 'semantic':
            raise ValueError(
                f'{sample["seg_map_path"]} is a label map, whose classes are not known before it is read: its source '
                'cannot be balanced by class'
            )
        return labels_of(sample)

    @property
    def _are_complementary(self) -> bool:
        """Whether some sources label the things and the others the stuff of the tasks that no source supports."""
        annotations = {source.annotation for source in self.sources}
        return annotations == {'instance', 'semantic'} and not self.test_mode


def _check_kind(config: Mapping[str, Any], where: str) -> None:
    """Check that a source is a data set with annotation of its own, of a kind that ``Source`` reads."""
    name = config.get('type')
    kind = DATASETS.get(name) if isinstance(name, str) else name
    if not isinstance(kind, type):
        return  # mmengine names it when it is built
    if issubclass(kind, CocoPanopticDataset):
        raise ValueError(
            f'{where} is a {kind.__name__} of mmdet, whose panoptic maps are not read: use PanopticSegDataset, with '
            'the same data_root, ann_file and data_prefix'
        )
    if not issubclass(kind, BaseDataset):
        raise ValueError(
            f'{where} is a {kind.__name__}, around other data sets: list these as sources of their own, repeat them '
            'with shares, or put the MultiSourceDataset into it'
        )


def _check_classes(config: Mapping[str, Any], where: str) -> None:
    """Check the class names of a source, which mmdet and mmseg would read letter by letter if they were a text."""
    metainfo = config.get('metainfo')
    classes = metainfo.get('classes') if isinstance(metainfo, Mapping) else None
    if classes is not None and not (isinstance(classes, str) and Path(classes).is_file()):  # mmengine reads files
        class_names(classes, f"'classes' of {where}")


def _tasks_of_all_segments() -> list[str]:
    return [name for name, task in TASKS.items() if not (task.things_only or task.merges_classes)]


def _counts(sizes: Sequence[int], shares: Sequence[float]) -> list[int]:
    """The smallest numbers in the ratio of the shares that use each image at least once."""
    unit = max(size / share for size, share in zip(sizes, shares, strict=True))
    return [round(unit * share) for share in shares]
