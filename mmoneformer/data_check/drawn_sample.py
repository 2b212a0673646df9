"""Drawings of samples as the model gets them: the image, and the targets and texts of each task."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmengine.dataset import BaseDataset

from mmoneformer.data_check.examination import SampleFault, targets_of_tasks, walk
from mmoneformer.datasets.transforms import SampleTask
from mmoneformer.structures import SegmentMap, Targets
from mmoneformer.visualization.regions import Classes, annotated_regions
from mmoneformer_drawing.regions import Regions
from mmoneformer_drawing.sheet import draw_panels


class DrawnSample(NamedTuple):
    """A drawn sample.

    Attributes:
        path: Path of the image.
        sheet: RGB, uint8 [H, W, 3]: the image next to the targets of each task, or to its annotation.
        texts: Texts of each task, and how often each occurs.
    """

    path: str
    sheet: np.ndarray
    texts: dict[str, Counter[str]]


def draw_samples(dataset: BaseDataset, count: int) -> Iterator[DrawnSample]:
    """Draw annotated samples, evenly spread over the data set; unusable ones are skipped."""
    for index in np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int)):
        try:
            drawn = draw_sample(dataset, int(index))
        except SampleFault:
            continue
        if drawn is not None:
            yield drawn


def draw_sample(dataset: BaseDataset, index: int) -> DrawnSample | None:
    """Draw a sample; None if it has no annotation.

    Raises:
        SampleFault: If the sample cannot be used.
    """
    seen, targets = None, {}
    for transform, results in walk(dataset, index):
        if 'gt_seg_map' in results:
            seen = results
        if isinstance(transform, SampleTask):
            targets = targets_of_tasks(results, transform)
    if seen is None:
        return None
    classes = dataset.metainfo
    panels = {task.capitalize(): target_regions(found, classes) for task, found in targets.items()}
    sheet = draw_panels(_shown(seen), panels or {'Annotation': _annotation(seen, classes)}, classes)
    return DrawnSample(seen['img_path'], sheet, {task: Counter(found.texts) for task, found in targets.items()})


def target_regions(targets: Targets, metainfo: Classes) -> Regions:
    """Regions of targets; where some overlap, the first is seen."""
    segments = [{'id': number, 'label': label} for number, label in enumerate(targets.labels.tolist(), start=1)]
    masks = targets.masks
    members = None if masks.members is None else masks.members.numpy()
    return annotated_regions(SegmentMap(masks.id_map.numpy(), len(masks), members).flatten(), segments, metainfo)


def _annotation(results: Mapping[str, Any], metainfo: Classes) -> Regions:
    segments = [segment | {'id': number} for number, segment in enumerate(results['segments'], start=1)]
    return annotated_regions(SegmentMap.of_sample(results).flatten(), segments, metainfo)


def _shown(results: Mapping[str, Any]) -> np.ndarray:
    """The image in RGB at the size of its map, which a test pipeline does not resize."""
    image = np.clip(np.rint(results['img']), 0, 255).astype(np.uint8)[..., ::-1]
    height, width = results['gt_seg_map'].shape
    return image if image.shape[:2] == (height, width) else cv2.resize(image, (width, height))
