"""Data sets with COCO-panoptic annotation: one id map and one list of segments per image."""

import os
from collections.abc import Iterable, Mapping, Sequence
from reprlib import repr as shortened
from typing import Any

from mmengine.dataset import BaseDataset

from mmoneformer.datasets.annotation_cache import cached
from mmoneformer.datasets.missing_files import check_inside, missing_files, name_hint
from mmoneformer.datasets.panoptic_json_schema import read_content
from mmoneformer.datasets.pipeline_checks import check_pipeline
from mmoneformer.datasets.transforms.mix_images import connect_mixing
from mmoneformer.errors import AnnotationError, EmptyDatasetError, UnknownLabelError
from mmoneformer.metainfo import Metainfo, resolve_metainfo, with_names_by_kind
from mmoneformer.registry import DATASETS
from mmoneformer.tasks import TASKS

FILTERS = {'filter_empty_gt', 'min_size'}
NUM_IDS = 1 << 24  # a segment id is stored as an RGB color
MAPS = {'seg': 'seg_map_path', 'labels': 'label_map_path'}  # data_prefix: key in a sample


@DATASETS.register_module()
class PanopticSegDataset(BaseDataset):
    """Images with COCO-panoptic annotation, or without annotation if the json has none (test splits).

    A sample has ``img_path``, ``img_id``, ``height`` and ``width`` (pixels), ``classes``, ``thing_ids`` and the names
    of the ``tasks`` that the annotation supports. With annotation it has ``seg_map_path`` and ``segments``, a list of
    dicts of ``id`` (color in the map, R + 256 G + 65536 B), ``label`` (index into ``classes``) and ``iscrowd``; and
    ``label_map_path`` if ``data_prefix`` has label maps.

    The annotation is checked when it is read, before any training; errors name the file and the image. File names in
    the json cannot point outside of the folders. Symbolic links in the folders are followed.

    Args:
        ann_file: COCO-panoptic json, relative to ``data_root``.
        data_prefix: Folders of the images (``img``), the id maps (``seg``) and optionally label maps (``labels``, see
            ``LoadLabelMap``; with the file names of the id maps), relative to ``data_root``.
        metainfo: Name of a known data set, a mapping as in ``resolve_metainfo``, or None for the categories of the
            json in their order. Categories of the json are matched by name.
        filter_cfg: Images that training leaves out (test mode uses all): ``filter_empty_gt``, those without segments
            or with crowds only; ``min_size``, those with a side of fewer pixels.
        backend_args: Storage backend of the json, as in ``mmengine.fileio.get``; None infers it from the path. With a
            backend, files are not looked for. The loaders of the pipeline have their own ``backend_args``.
        **kwargs: ``data_root``, ``pipeline``, ``test_mode``, ``indices``, ``serialize_data``, ``lazy_init`` and
            ``max_refetch`` of ``mmengine.dataset.BaseDataset``.

    Raises:
        AnnotationError: If the json is inconsistent, does not fit the metainfo, or names a file outside the folders.
        EmptyDatasetError: If no image is listed, or none is left by ``filter_cfg``.
        FileNotFoundError: If an image or an id map does not exist.
        ValueError: If a transform of the pipeline would separate images from their id maps (``check_pipeline``).
    """

    _metainfo: dict[str, Any]

    def __init__(
        self,
        *,
        ann_file: str,
        data_prefix: Mapping[str, str],
        metainfo: str | Mapping[str, Any] | None = None,
        filter_cfg: Mapping[str, Any] | None = None,
        backend_args: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.backend_args = backend_args
        unknown = set(filter_cfg or ()) - FILTERS
        if unknown:
            raise ValueError(f'unknown filters {sorted(unknown)}: filter_cfg takes {sorted(FILTERS)}')
        super().__init__(
            ann_file=ann_file,
            data_prefix=dict(data_prefix),
            metainfo=None if metainfo is None else resolve_metainfo(metainfo),
            filter_cfg=filter_cfg,
            **kwargs,
        )

    @property
    def metainfo(self) -> dict[str, Any]:
        """Classes, thing ids and palette, and the names of things and stuff; reads the json if they come from it."""
        if not self._metainfo:
            self.full_init()
        return with_names_by_kind(super().metainfo)

    def full_init(self) -> None:
        """Check the pipeline and read the annotation."""
        check_pipeline(self.pipeline, source=f'{type(self).__name__} of {self.ann_file}', test_mode=self.test_mode)
        super().full_init()
        connect_mixing(self)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return a sample, with classes, thing ids and tasks."""
        sample = super().get_data_info(idx)
        classes, thing_ids = self._metainfo['classes'], self._metainfo['thing_ids']
        tasks = tuple(name for name, task in TASKS.items() if thing_ids or not task.things_only)
        return sample | {'classes': classes, 'thing_ids': thing_ids, 'tasks': tasks}

    def get_cat_ids(self, idx: int) -> list[int]:
        """Labels of the segments of an image, for ``ClassBalancedDataset`` and mmdet's ``ClassAwareSampler``."""
        return labels_of(self.get_data_info(idx))

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read and check the json, or take it from the cache; check that its files exist."""
        settings = (dict(self.data_prefix), self._metainfo)
        self._metainfo, samples = cached(self._read, source=self.ann_file, settings=settings)
        if not samples:
            raise EmptyDatasetError(f'{self.ann_file} lists no image')
        for key in ('img_path', *MAPS.values()) if self.backend_args is None else ():
            self._check_files({sample[key]: sample['img_id'] for sample in samples if key in sample})
        return samples

    def _read(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Read metainfo and samples from the json."""
        content = read_content(self.ann_file, self.backend_args)
        categories = content['categories']
        if not self._metainfo:
            self._metainfo = dict(_metainfo_of(categories, self.ann_file))
        images = self._by_key(content['images'], 'id', 'image')
        self._by_key(content['images'], 'file_name', 'file')
        self._check_names('img', images)
        if 'annotations' not in content:
            return self._metainfo, [self._sample(image) for image in images.values()]

        labels = self._labels(categories)
        annotations = self._annotations(content['annotations'], images)
        self._check_names('seg', annotations)
        return self._metainfo, [
            self._sample(image) | self._annotated(annotations[image_id], labels) for image_id, image in images.items()
        ]

    def filter_data(self) -> list[dict[str, Any]]:
        """Apply ``filter_cfg``, except in test mode."""
        if self.test_mode or not self.filter_cfg:
            return self.data_list
        min_size = self.filter_cfg.get('min_size', 0)
        kept = [sample for sample in self.data_list if min(sample['height'], sample['width']) >= min_size]
        if self.filter_cfg.get('filter_empty_gt', False):
            kept = [s for s in kept if not all(segment['iscrowd'] for segment in s.get('segments', ()))]
        if not kept:
            crowds = [segment['iscrowd'] for sample in self.data_list for segment in sample.get('segments', ())]
            reason = ': all of its segments are crowds (iscrowd=1), from which nothing is learned'
            raise EmptyDatasetError(
                f'filter_cfg={dict(self.filter_cfg)} removes all images of {self.ann_file}'
                + (reason if crowds and all(crowds) else '')
            )
        return kept

    def _sample(self, image: Mapping[str, Any]) -> dict[str, Any]:
        return {
            'img_path': os.path.join(self.data_prefix['img'], image['file_name']),
            'img_id': image['id'],
            'height': image['height'],
            'width': image['width'],
        }

    def _annotated(self, annotation: Mapping[str, Any], labels: Mapping[int, int]) -> dict[str, Any]:
        """Keys that the annotation adds to the sample of its image."""
        where = f'{annotation["file_name"]} (image id {annotation["image_id"]}) in {self.ann_file}'
        infos = annotation['segments_info']
        unknown = {info['category_id'] for info in infos} - set(labels)
        if unknown:
            raise UnknownLabelError(
                f'segments of {where} have category ids that the json does not list: {sorted(unknown)}'
            )
        ids = {info['id'] for info in infos}
        if len(ids) != len(infos):
            raise AnnotationError(self._repeated_id(where, infos, labels))
        if not all(0 < segment_id < NUM_IDS for segment_id in ids):
            raise AnnotationError(
                f'segment ids of {where} must be in 1..{NUM_IDS - 1} (0 is void), got {[info["id"] for info in infos]}'
            )
        segments = [
            {'id': info['id'], 'label': labels[info['category_id']], 'iscrowd': int(info.get('iscrowd', 0))}
            for info in infos
        ]
        folders = {key: self.data_prefix[prefix] for prefix, key in MAPS.items() if prefix in self.data_prefix}
        paths = {key: os.path.join(folder, annotation['file_name']) for key, folder in folders.items()}
        return {**paths, 'segments': segments}

    def _repeated_id(self, where: str, infos: Sequence[Mapping[str, Any]], labels: Mapping[int, int]) -> str:
        """Return the message for segments of an image that have the same id."""
        ids = [info['id'] for info in infos]
        repeated = next(segment_id for segment_id in ids if ids.count(segment_id) > 1)
        of_id = [info for info in infos if info['id'] == repeated]
        names = [self._metainfo['classes'][labels[info['category_id']]] for info in of_id]
        return (
            f'segment id {repeated} of {where} is repeated, by the classes {names}, as where a converter gave classes '
            'the same color: give each segment another id in the json and in its map (for ADE20K, run our converter '
            'tools/dataset_converters/ade20k.py again), or merge the segments if they are of one class'
        )

    def _labels(self, categories: Sequence[dict]) -> dict[int, int]:
        """Map the category ids of the json to class indices, by name."""
        # stripped: ADE20K has names such as 'window ', with which the released models were trained
        index_of = {name.strip(): index for index, name in enumerate(self._metainfo['classes'])}
        by_id = self._by_key(categories, 'id', 'category')
        lacking = [(key, entry['name']) for key, entry in by_id.items() if entry['name'].strip() not in index_of]
        if lacking:
            raise UnknownLabelError(
                f'categories (id, name) of {self.ann_file} are not in the metainfo: {lacking}; '
                f'its classes are {list(self._metainfo["classes"])}'
            )
        return {key: index_of[entry['name'].strip()] for key, entry in by_id.items()}

    def _annotations(self, entries: Sequence[dict], images: Mapping[int, dict]) -> dict[int, dict]:
        """Index the annotations by image and check that each image has one."""
        annotations = self._by_key(entries, 'image_id', 'annotation of image')
        self._by_key(entries, 'file_name', 'id map')
        unmatched = sorted(set(annotations) ^ set(images), key=str)
        if unmatched:
            raise AnnotationError(
                f'{self.ann_file} must have one annotation per image, but {len(unmatched)} image ids have only an '
                f'image or only an annotation: {unmatched[:5]}'
            )
        return annotations

    def _by_key(self, entries: Iterable[dict], key: str, what: str) -> dict[int, dict]:
        indexed: dict[int, dict] = {}
        for entry in entries:
            if entry[key] in indexed:
                raise AnnotationError(f'{self.ann_file} has two entries for {what} {entry[key]}: {shortened(entry)}')
            indexed[entry[key]] = entry
        return indexed

    def _check_names(self, prefix: str, entries: Mapping[int, Mapping[str, Any]]) -> None:
        """Check that all files (entries by image id) are in the folder."""
        if prefix not in self.data_prefix:
            raise ValueError(f'data_prefix needs {prefix!r} for the files of {self.ann_file}, got {self.data_prefix}')
        for image_id, entry in entries.items():
            check_inside(entry['file_name'], self.data_prefix[prefix], f'{self.ann_file} (image id {image_id})')

    def _check_files(self, paths: Mapping[str, int]) -> None:
        """Check that all files exist; ``paths`` are those of image ids."""
        missing = missing_files(paths)
        if missing:
            raise FileNotFoundError(
                f'{len(missing)} of {len(paths)} files of {self.ann_file} do not exist, the first is {missing[0]} '
                f'(image id {paths[missing[0]]}){name_hint(missing)}'
            )


def _metainfo_of(categories: Sequence[Mapping[str, Any]], source: str) -> Metainfo:
    """Metainfo from the categories of a json; with their colors if all have one."""
    metainfo: dict[str, Any] = {
        'classes': [entry['name'] for entry in categories],
        'thing_ids': [index for index, entry in enumerate(categories) if entry['isthing']],
    }
    if all('color' in entry for entry in categories):
        metainfo['palette'] = [entry['color'] for entry in categories]
    try:
        return resolve_metainfo(metainfo)
    except ValueError as error:
        raise AnnotationError(f'categories of {source}: {error}') from error


def labels_of(sample: Mapping[str, Any]) -> list[int]:
    """Labels of the segments of a sample, without crowds."""
    return [segment['label'] for segment in sample.get('segments', ()) if not segment['iscrowd']]
