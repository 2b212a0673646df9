"""Result files for the test server of COCO, and for other servers that read COCO's formats."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmoneformer.evaluation.coco_annotations import encode_masks
from mmoneformer.evaluation.task_metric import ResultsMetric
from mmoneformer.metainfo import category_ids
from mmoneformer.registry import METRICS
from mmoneformer.result_images import write_png
from mmoneformer.structures.panoptic_ids import ids_to_colors, panoptic_label
from mmoneformer_deploy.atomic_files import write_json


class _CocoResults(ResultsMetric):
    """Writes a json of all images.

    Args:
        dataset: Known data set whose category ids the file has: 'coco', 'cityscapes', 'ade20k' or 'mapillary'.
        outfile_prefix: Prefix of the paths of the files.
        kwargs: Arguments of ``TaskMetric``.
    """

    suffix: str

    def __init__(self, *, dataset: str, outfile_prefix: str, **kwargs: Any) -> None:
        self.dataset = dataset
        self.path = Path(f'{outfile_prefix}{self.suffix}')
        super().__init__(folder=self.path.with_suffix(''), **kwargs)

    def process_image(self, sample: dict[str, Any]) -> None:
        """Encode the results of an image.

        Raises:
            ValueError: If a class has no category id.
        """
        ids = category_ids(self.dataset, self.dataset_meta['classes'])
        self.results.append(self._encode(sample, ids))

    def compute(self, results: Sequence[Any]) -> dict[str, float]:
        """Write the json of all images; there is no metric."""
        write_json(self.path, self._content(results))
        print_log(f'results of {len(results)} images: {self.path}', 'current')
        return {}

    @abstractmethod
    def _encode(self, sample: dict[str, Any], ids: Sequence[int]) -> Any:
        """Entry of an image in the json; ``ids`` are the category ids of the classes."""

    @abstractmethod
    def _content(self, results: Sequence[Any]) -> Any:
        """Content of the json, from the entries of all images."""


@METRICS.register_module()
class CocoPanopticResults(_CocoResults):
    """Writes ``<outfile_prefix>.panoptic.json`` and the id maps of its images to ``<outfile_prefix>.panoptic/``."""

    task = 'panoptic'
    suffix = '.panoptic.json'

    def _encode(self, sample: dict[str, Any], ids: Sequence[int]) -> dict[str, Any]:
        prediction = sample['pred_panoptic_seg']['sem_seg'][0].cpu().numpy()
        values, segment_map = np.unique(prediction, return_inverse=True)
        is_segment = values != len(ids)
        numbers = np.cumsum(is_segment) * is_segment  # from 1; 0 is void
        file_name = f'{self.claim_name(sample, lambda name: [f"{name}.png"])}.png'
        colors = ids_to_colors(numbers[segment_map].reshape(prediction.shape), bgr=True)
        write_png(self.path.with_suffix('') / file_name, colors, str(sample['img_path']))
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

    def _encode(self, sample: dict[str, Any], ids: Sequence[int]) -> list[dict[str, Any]]:
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
