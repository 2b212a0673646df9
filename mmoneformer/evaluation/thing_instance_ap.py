"""Mask AP of instances, as COCO defines it."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import cached_property
from io import StringIO
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmoneformer.evaluation.coco_annotations import (
    Annotations,
    InstanceFile,
    encode_ground_truth,
    encode_predictions,
    encode_segments,
)
from mmoneformer.evaluation.task_metric import TaskMetric, image_name, panoptic_ground_truth
from mmoneformer.registry import METRICS


@METRICS.register_module()
class ThingInstanceAP(TaskMetric):
    """AP, AP50, AP75 and AP by size in percent, computed by pycocotools.

    The ground truth is an annotation of instances, or the thing segments of a panoptic map, which do not overlap.
    Predictions on crowds are ignored, and so are those of classes that the source of an image does not label
    (``MultiSourceDataset``).

    Args:
        ann_file: COCO instance json with the ground truth to use instead, for example ``instances_val2017.json``.
        dataset: Known data set whose category ids ``ann_file`` has, if its categories have names other than ours:
            'ade20k' for the ``ade20k_instance_val.json`` of detectron2.
        max_dets: Maximum number of predictions per image and class, highest scores first.
        kwargs: Arguments of ``TaskMetric``.
    """

    task = 'instance'

    def __init__(
        self,
        *,
        ann_file: str | None = None,
        dataset: str | None = None,
        max_dets: int = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ann_file = ann_file
        self.dataset = dataset
        self.max_dets = max_dets

    def process_image(self, sample: dict[str, Any]) -> None:
        """Encode ground truth and predictions of an image as COCO annotations.

        Raises:
            ValueError: If the sample has no ground truth or one of another size, or if a predicted label is not that
                of a thing class.
        """
        thing_ids, instances = self.dataset_meta['thing_ids'], sample['pred_instances']
        no_things = sorted(set(instances['labels'].tolist()) - set(thing_ids))
        if no_things:
            raise ValueError(f'{image_name(sample)}: predicted labels {no_things} are not things {thing_ids}')
        unlabeled = sample.get('unlabeled_ids', ())  # predictions of these classes are neither right nor wrong
        predictions = [item for item in encode_predictions(instances) if item['category_id'] not in unlabeled]
        self.results.append((self._truths(sample), predictions))

    def _truths(self, sample: Mapping[str, Any]) -> Annotations:
        """Ground truth of an image as COCO annotations."""
        if self._instance_file:
            return self._instance_file.annotations(sample['img_id'])
        if 'gt_instances' in sample:
            return encode_ground_truth(sample['gt_instances'])
        id_map, segments = panoptic_ground_truth(sample, sample['pred_instances']['masks'].shape[1:])
        return encode_segments(torch.from_numpy(id_map), segments, self.dataset_meta['thing_ids'])

    @cached_property
    def _instance_file(self) -> InstanceFile | None:
        if not self.ann_file:
            return None
        return InstanceFile(self.ann_file, self.dataset_meta['classes'], dataset=self.dataset)

    def compute(self, results: Sequence[tuple[Annotations, Annotations]]) -> dict[str, float]:
        """Compute the average precisions.

        Args:
            results: Ground truth and predictions of each image as COCO annotations.

        Returns:
            AP, AP50, AP75, AP_small, AP_medium and AP_large, 0 to 100; nan without ground truth.
        """
        truths = [image_truths for image_truths, _ in results]
        predictions = [image_predictions for _, image_predictions in results]
        if all(truth['iscrowd'] for image in truths for truth in image):
            print_log('ThingInstanceAP: no image has a ground truth instance, AP is nan', 'current', logging.WARNING)
        self._log_what_is_not_counted(predictions)
        with redirect_stdout(StringIO()):  # pycocotools prints its progress
            evaluation = COCOeval(self._coco(truths), self._coco(predictions), 'segm')
            evaluation.params.maxDets = [self.max_dets]
            evaluation.evaluate()
            evaluation.accumulate()
        return _average_precisions(evaluation)

    def _log_what_is_not_counted(self, predictions: Sequence[Annotations]) -> None:
        """Say in how many images a class has more predictions than count."""
        most = [max(Counter(item['category_id'] for item in image).values(), default=0) for image in predictions]
        more = sum(count > self.max_dets for count in most)
        if more:
            print_log(
                f'ThingInstanceAP: {more} of {len(most)} images have more than max_dets={self.max_dets} predictions '
                f'of a class, up to {max(most)}: only those with the highest scores count',
                'current',
            )

    def _coco(self, images: Sequence[Annotations]) -> COCO:
        """Index the annotations; images are numbered anew, because image ids may repeat across data sets."""
        coco = COCO()
        annotations = [dict(annotation, image_id=i) for i, image in enumerate(images) for annotation in image]
        classes = self.dataset_meta['classes']
        coco.dataset = {
            'images': [{'id': index, 'height': 0, 'width': 0} for index in range(len(images))],  # sizes: for polygons
            'categories': [{'id': label, 'name': classes[label]} for label in self.dataset_meta['thing_ids']],
            # from 1: pycocotools takes id 0 for "not matched"
            'annotations': [dict(annotation, id=number) for number, annotation in enumerate(annotations, start=1)],
        }
        coco.createIndex()
        return coco


def _average_precisions(evaluation: COCOeval) -> dict[str, float]:
    """Average the precisions of pycocotools, where -1 stands for a class without ground truth."""
    params = evaluation.params
    precision = evaluation.eval['precision'][..., 0]  # [threshold, recall, class, area range]

    def average(iou_threshold: float | None = None, area: str = 'all') -> float:
        chosen = slice(None) if iou_threshold is None else np.isclose(params.iouThrs, iou_threshold)
        values = precision[chosen][..., params.areaRngLbl.index(area)]
        values = values[values > -1]
        return 100 * float(values.mean()) if values.size else float('nan')

    metrics = {'AP': average(), 'AP50': average(0.5), 'AP75': average(0.75)}
    return metrics | {f'AP_{area}': average(area=area) for area in ('small', 'medium', 'large')}
