"""Result files that COCO's test server takes, and the other servers that read COCO's formats."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmoneformer.atomic_files import write_json
from mmoneformer.datasets.converters.id_map import write_id_map
from mmoneformer.evaluation.run_lengths import encode_masks
from mmoneformer.evaluation.task_metric import check_task_token
from mmoneformer.metainfo import category_ids
from mmoneformer.registry import METRICS
from mmoneformer.structures.panoptic_ids import panoptic_label


class _CocoResults(BaseMetric):
    """Writes files in place of measuring; needs no ground truth.

    Args:
        dataset: Known data set whose category ids the file has: 'coco', 'cityscapes', 'ade20k' or 'mapillary'.
        outfile_prefix: Start of the paths that are written.
        kwargs: Of mmengine's ``BaseMetric``.
    """

    default_prefix = ''
    task: str
    suffix: str

    def __init__(self, *, dataset: str, outfile_prefix: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.path = Path(f'{outfile_prefix}{self.suffix}')

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Describe the results of a batch.

        Raises:
            ValueError: If a result was read under another task's token, or a class has no category id.
        """
        ids = category_ids(self.dataset, self.dataset_meta['classes'])
        for sample in data_samples:
            check_task_token(sample, self.task, any_token=False)
            self.results.append(self._describe(sample, ids))

    def compute_metrics(self, results: Sequence[Any]) -> dict[str, float]:
        """Write the json of all images; there is no metric."""
        write_json(self.path, self._content(results))
        print_log(f'results of {len(results)} images: {self.path}', 'current')
        return {}

    @abstractmethod
    def _describe(self, sample: dict[str, Any], ids: Sequence[int]) -> Any:
        """What the json says of an image; ``ids`` are the category ids of the classes."""

    @abstractmethod
    def _content(self, results: Sequence[Any]) -> Any:
        """The json of what was said of each image."""


@METRICS.register_module()
class CocoPanopticResults(_CocoResults):
    """Writes ``<outfile_prefix>.panoptic.json`` and the id maps of its images to ``<outfile_prefix>.panoptic/``."""

    task = 'panoptic'
    suffix = '.panoptic.json'

    def _describe(self, sample: dict[str, Any], ids: Sequence[int]) -> dict[str, Any]:
        prediction = sample['pred_panoptic_seg']['sem_seg'][0].cpu().numpy()
        values, segment_map = np.unique(prediction, return_inverse=True)
        is_segment = values != len(ids)
        numbers = np.cumsum(is_segment) * is_segment  # from 1; 0 is void
        file_name = f'{Path(sample["img_path"]).stem}.png'
        folder = self.path.with_suffix('')
        folder.mkdir(parents=True, exist_ok=True)
        write_id_map(folder / file_name, numbers[segment_map].reshape(prediction.shape))
        segments = [
            {'id': int(number), 'category_id': ids[panoptic_label(value)]}
            for number, value in zip(numbers[is_segment], values[is_segment], strict=True)
        ]
        return {'image_id': sample['img_id'], 'file_name': file_name, 'segments_info': segments}

    def _content(self, results: Sequence[Any]) -> dict[str, Any]:
        return {'annotations': list(results)}


@METRICS.register_module()
class CocoInstanceResults(_CocoResults):
    """Writes ``<outfile_prefix>.segm.json``: a list of masks as run lengths, with image, category and score."""

    task = 'instance'
    suffix = '.segm.json'

    def _describe(self, sample: dict[str, Any], ids: Sequence[int]) -> list[dict[str, Any]]:
        instances = sample['pred_instances']
        columns = (encode_masks(instances['masks']), instances['labels'].tolist(), instances['scores'].tolist())
        return [
            {
                'image_id': sample['img_id'],
                'category_id': ids[label],
                'segmentation': code | {'counts': code['counts'].decode()},
                'score': score,
            }
            for code, label, score in zip(*columns, strict=True)
        ]

    def _content(self, results: Sequence[Any]) -> list[dict[str, Any]]:
        return [instance for image in results for instance in image]
