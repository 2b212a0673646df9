"""A data set as a source of a ``MultiSourceDataset``: what its annotation tells, and what its labels mean there."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.fileio import load

from mmoneformer.datasets.annotation_cache import cached
from mmoneformer.metainfo import IGNORED_LABEL, Metainfo

Sample = dict[str, Any]


class Source:
    """Gives the samples of a data set in the form of ``PanopticSegDataset``, with labels of the united classes.

    What the annotation is, the first sample tells: one with ``instances`` is of mmdet's data sets, one with
    ``segments`` of ours, and else one with ``seg_map_path`` of mmseg's.

    Args:
        dataset: A data set of any of these kinds, its annotation read or not.
        metainfo: The united classes.

    Raises:
        ValueError: If the data set has no image, has a class that is none of the united ones, or one that is a thing
            here and stuff there.
    """

    def __init__(self, dataset: BaseDataset, metainfo: Metainfo) -> None:
        self.dataset = dataset
        self.where = f'{type(dataset).__name__} of {dataset.ann_file or dict(dataset.data_prefix)}'
        self._read_annotation()
        self.annotation = _kind_of(dataset.get_data_info(0))
        names = self._class_names()
        self.labels = _find(names, metainfo['classes'], self.where)
        self.unlabeled_ids = tuple(sorted(set(range(len(metainfo['classes']))) - set(self.labels)))
        self._check_things(names, metainfo)

    def __len__(self) -> int:
        return len(self.dataset)

    def sample(self, index: int) -> Sample:
        """A sample, before any transform.

        To what the data set gives it adds ``img_id`` where there is none, ``annotation`` ('panoptic', 'instance' or
        'semantic'), the ``tasks`` that it can tell, ``segments`` where it has any, and ``unlabeled_ids``: indices of
        the classes that this data set does not label.
        """
        sample = self.dataset.get_data_info(index)
        sample.setdefault('img_id', Path(sample['img_path']).stem)
        sample |= {'annotation': self.annotation, 'unlabeled_ids': self.unlabeled_ids}
        if self.annotation == 'panoptic':
            segments = sample.get('segments', ())
            told: Sample = {'segments': [segment | {'label': self.labels[segment['label']]} for segment in segments]}
        elif self.annotation == 'instance':
            told = {'segments': self._instances(sample['instances']), 'tasks': ('instance',)}
        else:
            told = {'segments': self._areas(), 'tasks': ('semantic',), 'ignore_index': self._ignore_index}
        return sample | told

    def _read_annotation(self) -> None:
        try:
            self.dataset.full_init()
        except ValueError as error:
            if 'need at least one array' not in str(error):  # numpy's words, as there is nothing to serialize
                raise
            raise ValueError(
                f'{self.where} has no image: check data_root, data_prefix, img_suffix and filter_cfg'
            ) from error

    def _instances(self, instances: Iterable[Mapping[str, Any]]) -> list[dict[str, int]]:
        return [
            {'id': number, 'label': self.labels[instance['bbox_label']], 'iscrowd': int(instance['ignore_flag'])}
            for number, instance in enumerate(instances, start=1)
        ]

    def _areas(self) -> list[dict[str, int]]:
        """One segment per class of the data set; those without a pixel are none."""
        return [{'id': number, 'label': label, 'iscrowd': 0} for number, label in enumerate(self.labels, start=1)]

    @property
    def _ignore_index(self) -> int:
        return getattr(self.dataset, 'ignore_index', IGNORED_LABEL)

    def _class_names(self) -> list[str]:
        """Names in the order of the data set's labels."""
        listed = list(self.dataset.metainfo.get('classes', ()))
        if not listed:
            raise ValueError(f'{self.where} does not say its classes: give it metainfo=dict(classes=(...))')
        if not hasattr(self.dataset, 'cat_ids'):
            return listed
        # mmdet numbers the classes in the order of the json, whatever the order of the metainfo
        path = self.dataset.ann_file
        names = cached(lambda: {c['id']: c['name'] for c in load(path)['categories']}, source=path, settings='names')
        if not self.dataset.cat_ids:
            raise ValueError(f'none of the classes {listed[:5]}... is in {path}, which has {list(names.values())[:5]}')
        return [names[category_id] for category_id in self.dataset.cat_ids]

    def _check_things(self, names: Sequence[str], metainfo: Metainfo) -> None:
        own_ids = self.dataset.metainfo.get('thing_ids')
        if self.annotation == 'instance':
            own_ids = range(len(names))
        if own_ids is None:
            return
        for index, (name, label) in enumerate(zip(names, self.labels, strict=True)):
            if (index in own_ids) != (label in metainfo['thing_ids']):
                here, there = ('a thing', 'stuff') if index in own_ids else ('stuff', 'a thing')
                raise ValueError(
                    f'class {name!r} is {here} in {self.where} and {there} in the united metainfo: rename it in one '
                    'of them, or change the thing_ids'
                )


def _kind_of(sample: Mapping[str, Any]) -> str:
    if 'instances' in sample:
        return 'instance'
    is_ours = 'segments' in sample or sample.get('seg_map_path') is None
    return 'panoptic' if is_ours else 'semantic'


def _find(names: Iterable[str], classes: Sequence[str], where: str) -> list[int]:
    """Index of each name among the classes."""
    index_of = {name.strip(): index for index, name in enumerate(classes)}
    strange = [name for name in names if name.strip() not in index_of]
    if strange:
        raise ValueError(f'classes {strange[:5]} of {where} are none of the united classes {list(classes)}')
    return [index_of[name.strip()] for name in names]
