"""Panoptic quality (arXiv 1801.00868), as COCO's panoptic evaluation defines it."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import numpy as np
from mmengine.logging import print_log
from rich import box
from rich.console import Console
from rich.table import Table

from mmoneformer.evaluation.task_metric import TaskMetric, image_name, panoptic_ground_truth
from mmoneformer.registry import METRICS
from mmoneformer.structures.panoptic_ids import INSTANCE_OFFSET, panoptic_label

COUNTS = ('IoU', 'TP', 'FP', 'FN')  # columns of the statistics


@METRICS.register_module()
class PanopticQuality(TaskMetric):
    """PQ, SQ and RQ in percent, averaged over all classes, things and stuff.

    Only classes with a ground truth segment or a prediction count. Without any, the average is nan.

    Args:
        kwargs: Arguments of ``TaskMetric``.
    """

    task = 'panoptic'

    def process_image(self, sample: dict[str, Any]) -> None:
        """Match the predicted segments of an image with the ground truth.

        Raises:
            ValueError: If the sample has no ground truth or one of another size, or if a predicted label is not that
                of a class.
        """
        prediction = sample['pred_panoptic_seg']['sem_seg'][0].cpu().numpy().astype(np.int64)
        id_map, segments = panoptic_ground_truth(sample, prediction.shape)
        try:
            counts = match_segments(prediction, id_map, segments, len(self.dataset_meta['classes']))
        except ValueError as error:
            raise ValueError(f'{image_name(sample)}: {error}') from error
        self.results.append(counts)

    def compute(self, results: Sequence[np.ndarray]) -> dict[str, float]:
        """Average over the classes, and log a table of all classes.

        Args:
            results: Statistics of each image, [K, 4].

        Returns:
            PQ, SQ and RQ of all classes, of things (``PQ_things``, ...) and of stuff (``PQ_stuff``, ...), 0 to 100.
        """
        classes = self.dataset_meta['classes']
        totals = sum(results, start=np.zeros((len(classes), len(COUNTS))))
        qualities = class_qualities(totals)
        is_thing = np.isin(np.arange(len(classes)), self.dataset_meta['thing_ids'])
        print_log(_table(classes, qualities, totals), logger='current')
        metrics = {}
        for suffix, group in (('', np.ones_like(is_thing)), ('_things', is_thing), ('_stuff', ~is_thing)):
            measured = qualities[group & ~np.isnan(qualities[:, 0])]
            mean = measured.mean(axis=0) if len(measured) else np.full(3, np.nan)
            metrics.update(
                {f'{name}{suffix}': float(value) for name, value in zip(('PQ', 'SQ', 'RQ'), mean, strict=True)}
            )
        return metrics


def match_segments(
    prediction: np.ndarray, id_map: np.ndarray, segments: Sequence[Mapping[str, Any]], num_classes: int
) -> np.ndarray:
    """Count true positives, false positives and false negatives of each class in an image.

    As in COCO's evaluation, a segment without a pixel is a false negative, and predictions are only ignored on the
    last of several crowds of their class.

    Shapes: G ground truth segments, P predicted segments, K classes.

    Args:
        prediction: Values of ``structures.panoptic_ids``, K for void, int64 [H, W].
        id_map: i + 1 for segment i, 0 for void, int64 [H, W].
        segments: ``label`` and ``iscrowd`` of each ground truth segment.
        num_classes: K.

    Returns:
        Sum of the IoU of matched segments, TP, FP and FN of each class, [K, 4].

    Raises:
        ValueError: If the label of a predicted value is not that of a class.
    """
    values, overlap = _overlaps(prediction, id_map, len(segments))
    return count_matches(overlap, _labels(values, num_classes), segments, num_classes)


def count_matches(
    overlap: np.ndarray, labels: np.ndarray, segments: Sequence[Mapping[str, Any]], num_classes: int
) -> np.ndarray:
    """``match_segments`` from the number of pixels that segments share; G, P and K as there.

    Args:
        overlap: Pixels of each predicted segment on void, in row 0, and on each ground truth segment, [G + 1, P].
        labels: Class of each predicted segment, [P]; K for what is predicted as void.
        segments: ``label`` and ``iscrowd`` of each ground truth segment.
        num_classes: K.
    """
    gt_labels = np.array([segment['label'] for segment in segments], dtype=np.int64)
    gt_index, pred_index, matched_iou = find_matches(overlap, labels, segments)
    missed = np.array([not segment['iscrowd'] for segment in segments], dtype=bool)
    missed[gt_index] = False
    wrong = (labels != num_classes) & (_ignored_area(overlap, labels, segments) <= overlap.sum(axis=0) / 2)
    wrong[pred_index] = False

    counts = np.zeros((num_classes, len(COUNTS)))
    iou_sum, true_positives, false_positives, false_negatives = counts.T
    np.add.at(iou_sum, gt_labels[gt_index], matched_iou)
    np.add.at(true_positives, gt_labels[gt_index], 1)
    np.add.at(false_positives, labels[wrong], 1)
    np.add.at(false_negatives, gt_labels[missed], 1)
    return counts


def find_matches(
    overlap: np.ndarray, labels: np.ndarray, segments: Sequence[Mapping[str, Any]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the pairs of the same class with an IoU above one half; arguments as in ``count_matches``.

    Returns:
        Index of the ground truth segment, index of the predicted segment, and IoU of each pair.
    """
    gt_labels = np.array([segment['label'] for segment in segments], dtype=np.int64)
    is_crowd = np.array([segment['iscrowd'] for segment in segments], dtype=bool)
    iou = _ious(overlap)
    can_match = (gt_labels[:, None] == labels) & ~is_crowd[:, None]
    gt_index, pred_index = np.nonzero((iou > 0.5) & can_match)  # above one half, a segment has at most one match
    return gt_index, pred_index, iou[gt_index, pred_index]


def class_qualities(totals: np.ndarray) -> np.ndarray:
    """PQ, SQ and RQ of each class, 0 to 100, [K, 3], from the statistics [K, 4]; nan for a class without any."""
    iou, tp, fp, fn = totals.T
    size = tp + (fp + fn) / 2
    qualities = 100 * np.stack(
        [iou / np.maximum(size, 0.5), iou / np.maximum(tp, 1), tp / np.maximum(size, 0.5)], axis=1
    )
    qualities[size == 0] = np.nan
    return qualities


def _overlaps(prediction: np.ndarray, id_map: np.ndarray, num_segments: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of the prediction, [P], and how many pixels each shares with each ground truth id, [G + 1, P]."""
    if prediction.min() < 0:
        raise ValueError(f'predicted value {prediction.min()} is negative')
    base = int(prediction.max()) + 1
    pairs, pixels = np.unique(id_map * base + prediction, return_counts=True)  # one sort of the image
    values, column = np.unique(pairs % base, return_inverse=True)
    overlap = np.zeros((num_segments + 1, len(values)), dtype=np.int64)
    overlap[pairs // base, column] = pixels
    return values, overlap


def _labels(values: np.ndarray, num_classes: int) -> np.ndarray:
    """Class of each predicted value; the number of classes for void."""
    labels = panoptic_label(values)
    wrong = values[(labels >= num_classes) & (values != num_classes)]
    if wrong.size:
        raise ValueError(
            f'predicted values {wrong.tolist()} have no class: a value is label + {INSTANCE_OFFSET} * instance id '
            f'with a label below {num_classes}, or {num_classes} for void'
        )
    return labels


def _ious(overlap: np.ndarray) -> np.ndarray:
    """IoU of ground truth and predicted segments, [G, P]; predicted pixels on void are ignored."""
    shared, pred_area = overlap[1:], overlap[1:].sum(axis=0)
    union = pred_area + shared.sum(axis=1, keepdims=True) - shared
    return shared / np.maximum(union, 1)


def _ignored_area(overlap: np.ndarray, labels: np.ndarray, segments: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Number of pixels of each predicted segment on void or on the crowd of its class, [P]."""
    crowds = {segment['label']: row for row, segment in enumerate(segments, start=1) if segment['iscrowd']}
    area = overlap[0].copy()
    for label, row in crowds.items():
        area += overlap[row] * (labels == label)
    return area


def _table(classes: Sequence[str], qualities: np.ndarray, totals: np.ndarray) -> str:
    """Table with a row for each class that occurred."""
    table = Table('class', 'PQ', 'SQ', 'RQ', *COUNTS[1:], title='Panoptic quality by class', box=box.ASCII)
    for name, quality, counts in zip(classes, qualities, totals, strict=True):
        if not np.isnan(quality[0]):
            table.add_row(name, *(f'{value:.1f}' for value in quality), *(f'{count:.0f}' for count in counts[1:]))
    text = StringIO()
    Console(file=text, width=100).print(table)
    return '\n' + text.getvalue()
