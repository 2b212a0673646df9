"""A data set as a source of a ``MultiSourceDataset``: which tasks its annotation supports, and what its labels are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdet.datasets.api_wrappers import COCO
from mmengine.dataset import BaseDataset

from mmoneformer.datasets.instance_json import InstanceJson
from mmoneformer.datasets.left_out import Remark, binary_masks, unpaired_files
from mmoneformer.datasets.missing_files import missing_files, name_hint
from mmoneformer.errors import AnnotationError, EmptyDatasetError
from mmoneformer.metainfo import IGNORED_LABEL, Metainfo
from mmoneformer.tasks import TASKS, Task

Sample = dict[str, Any]

SUPPORTS: dict[str, Callable[[Task], bool]] = {  # kind of annotation: whether it has the complete targets of a task
    'panoptic': lambda task: True,
    'instance': lambda task: task.things_only,
    'semantic': lambda task: task.merges_classes,
}


class Source:
    """Returns the samples of a data set in the format of ``PanopticSegDataset``, with the labels of a common metainfo.

    The first sample tells the kind of annotation: ``instances`` are those of mmdet's data sets, ``segments`` those of
    ``PanopticSegDataset``; otherwise, ``seg_map_path`` is a label map of mmseg's data sets.

    The annotation is read and checked here, once (``InstanceJson``, ``PanopticSegDataset``).

    Args:
        dataset: A data set of any of these kinds, not yet initialized.
        metainfo: The classes of all sources.

    Attributes:
        missing: Files of the data set that do not exist.
        remarks: What the data set leaves out.

    Raises:
        AnnotationError: If the annotation contradicts itself, or its format.
        EmptyDatasetError: If the data set has no image.
        ValueError: If a class of the data set is not in ``metainfo``, or is a thing in one and stuff in the other.
    """

    def __init__(self, dataset: BaseDataset, metainfo: Metainfo) -> None:
        self.dataset = dataset
        self.where = f'{type(dataset).__name__} of {dataset.ann_file or dict(dataset.data_prefix)}'
        self.remarks: list[Remark] = []
        self.missing: list[str] = []
        self._category_names: dict[int, str] = {}
        self._read()
        self.annotation = _annotation_of(dataset.get_data_info(0))
        names = self._class_names()
        self.labels = _find(names, metainfo['classes'], self.where)
        self.unlabeled_ids = tuple(sorted(set(range(len(metainfo['classes']))) - set(self.labels)))
        self._check_things(names, metainfo)

    def __len__(self) -> int:
        return len(self.dataset)

    def sample(self, index: int) -> Sample:
        """Return a sample before any transform.

        Adds to the sample of the data set: ``img_id`` if it has none, ``annotation`` ('panoptic', 'instance' or
        'semantic'), the names of the ``tasks`` that it supports, ``segments``, and ``unlabeled_ids``, the indices of
        the classes that the data set does not label.
        """
        sample = self.dataset.get_data_info(index)
        sample.setdefault('img_id', Path(sample['img_path']).stem)
        sample |= {'annotation': self.annotation, 'unlabeled_ids': self.unlabeled_ids}
        if self.annotation == 'panoptic':
            segments = sample.get('segments', ())
            return sample | {'segments': [segment | {'label': self.labels[segment['label']]} for segment in segments]}
        sample['tasks'] = tuple(name for name, task in TASKS.items() if SUPPORTS[self.annotation](task))
        if self.annotation == 'instance':
            return sample | {'segments': self._instances(sample['instances'])}
        return sample | {'segments': self._areas(), 'ignore_index': self._ignore_index}

    def check_files(self) -> None:
        """Check that all files of the data set exist.

        Raises:
            FileNotFoundError: If one does not.
        """
        if self.missing:
            hint = name_hint(self.missing)
            raise FileNotFoundError(
                f'{len(self.missing)} files of {self.where} do not exist, the first is {self.missing[0]}: copy them, '
                f'or correct data_root, data_prefix and the suffixes{hint}'
            )

    def _read(self) -> None:
        """Read the annotation, with the checks of ``InstanceJson`` if it is a COCO instance json."""
        dataset = self.dataset
        opened: list[InstanceJson] = []

        def open_checked(path: str) -> InstanceJson:
            settings = {'classes': dataset.metainfo.get('classes'), 'is_training': not dataset.test_mode}
            opened.append(InstanceJson(path, name=dataset.ann_file, **settings))
            return opened[-1]

        is_coco = getattr(dataset, 'COCOAPI', None) is COCO
        if is_coco:
            dataset.COCOAPI = open_checked
        try:
            read_annotation(dataset, self._check_samples)
        finally:
            if is_coco:
                del dataset.COCOAPI  # as below
        for content in opened:
            self.remarks += content.remarks
            self._category_names = {category['id']: category['name'] for category in content.dataset['categories']}

    def _check_samples(self, samples: Sequence[Sample]) -> None:
        """Look for the files of a data set of mmdet or mmseg; ``PanopticSegDataset`` does it by itself."""
        if hasattr(self.dataset, 'img_suffix'):
            self.remarks += unpaired_files(self.dataset)
        if _annotation_of(samples[0]) == 'panoptic':
            return
        keys = ['img_path'] if 'instances' in samples[0] else ['img_path', 'seg_map_path']
        if getattr(self.dataset, 'backend_args', None) is None:
            self.missing = missing_files(sample[key] for key in keys for sample in samples)
        if _annotation_of(samples[0]) == 'semantic' and 'reduce_zero_label' in samples[0]:
            self._check_for_binary_masks(samples)

    def _check_for_binary_masks(self, samples: Sequence[Sample]) -> None:
        """Look for masks of 0 and 255, which teach nothing or a single class.

        Raises:
            AnnotationError: In training, if no class or one of two is taught.
        """
        num_classes = len(self.dataset.metainfo.get('classes') or ())
        remark = binary_masks(samples, num_classes)
        if remark is None:
            return
        if not self.dataset.test_mode and (num_classes <= 2 or samples[0]['reduce_zero_label']):
            raise AnnotationError(remark.sentence(self.where))
        self.remarks.append(remark)

    def _instances(self, instances: Iterable[Mapping[str, Any]]) -> list[dict[str, int]]:
        return [
            {'id': number, 'label': self.labels[instance['bbox_label']], 'iscrowd': int(instance['ignore_flag'])}
            for number, instance in enumerate(instances, start=1)
        ]

    def _areas(self) -> list[dict[str, int]]:
        """One segment per class of the data set, whether or not it has a pixel."""
        return [{'id': number, 'label': label, 'iscrowd': 0} for number, label in enumerate(self.labels, start=1)]

    @property
    def _ignore_index(self) -> int:
        return getattr(self.dataset, 'ignore_index', IGNORED_LABEL)

    def _class_names(self) -> list[str]:
        """Names in the order of the data set's labels."""
        listed = list(self.dataset.metainfo.get('classes', ()))
        if not listed:
            raise ValueError(f'{self.where} has no class names: set its metainfo=dict(classes=(...))')
        if not hasattr(self.dataset, 'cat_ids'):
            return listed
        # mmdet numbers the classes in the order of the json, whatever the order of the metainfo
        names = self._category_names
        if not self.dataset.cat_ids:
            raise ValueError(
                f'none of the classes {listed[:5]}... is in {self.dataset.ann_file}, which has '
                f'{list(names.values())[:5]}'
            )
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
                    f'class {name!r} is {here} in {self.where} and {there} in the metainfo of all sources: rename it '
                    'in one of them, or change the thing_ids'
                )


def read_annotation(dataset: BaseDataset, check: Callable[[Sequence[Sample]], None] = lambda samples: None) -> None:
    """Read the annotation of a data set (``full_init``).

    Args:
        dataset: A data set that is not yet initialized.
        check: Gets all samples of the data set, before it filters them.

    Raises:
        EmptyDatasetError: If the data set has no image.
    """
    initial, filter_data = dataset.data_list, dataset.filter_data

    def check_and_filter() -> list[Sample]:
        if dataset.data_list:
            check(dataset.data_list)
        return filter_data()

    dataset.filter_data = check_and_filter
    try:
        dataset.full_init()
    except ValueError:
        if dataset.data_list is initial or dataset.data_list:
            raise  # otherwise, mmengine cannot serialize a list without samples
    finally:
        del dataset.filter_data  # the one of its class again; a function of this kind cannot be sent to a process
    if dataset._fully_initialized and len(dataset):
        return
    found = ''.join(f' ({remark.title})' for remark in unpaired_files(dataset))
    raise EmptyDatasetError(
        f'{type(dataset).__name__} of {dataset.ann_file or dict(dataset.data_prefix)} has no image: check data_root, '
        f'data_prefix, img_suffix and filter_cfg{found}'
    )


def _annotation_of(sample: Mapping[str, Any]) -> str:
    if 'instances' in sample:
        return 'instance'
    is_panoptic = 'segments' in sample or sample.get('seg_map_path') is None
    return 'panoptic' if is_panoptic else 'semantic'


def _find(names: Iterable[str], classes: Sequence[str], where: str) -> list[int]:
    """Index of each name among the classes."""
    index_of = {name.strip(): index for index, name in enumerate(classes)}
    unknown = [name for name in names if name.strip() not in index_of]
    if unknown:
        raise ValueError(f'classes {unknown[:5]} of {where} are not in the metainfo of all sources: {list(classes)}')
    return [index_of[name.strip()] for name in names]
