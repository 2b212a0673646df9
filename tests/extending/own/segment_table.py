"""A result file of one's own, written by `tools/test.py`: a line for each segment."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmoneformer.evaluation.task_metric import TaskMetric
from mmoneformer.registry import METRICS
from mmoneformer.structures.panoptic_ids import panoptic_label

Row = tuple[str, str, int]


@METRICS.register_module()
class SegmentTable(TaskMetric):
    """Writes image, class and area in pixels of each panoptic segment to a CSV file; there is no metric.

    Args:
        path: The file.
        **kwargs: Of ``TaskMetric``.
    """

    task = 'panoptic'
    needs_ground_truth = False

    def __init__(self, *, path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = Path(path)

    def process_image(self, sample: dict[str, Any]) -> None:
        """Add the rows of an image."""
        name, panoptic = Path(sample['img_path']).name, sample['pred_panoptic_seg']['sem_seg']
        values = sample['pred_segments']['ids'].tolist()
        self.results.append([(name, self._class(value), int((panoptic == value).sum())) for value in values])

    def compute(self, results: Sequence[list[Row]]) -> dict[str, float]:
        """Write the rows of all images."""
        with open(self.path, 'w', newline='') as file:
            csv.writer(file).writerows(row for image in results for row in image)
        return {}

    def _class(self, value: int) -> str:
        return self.dataset_meta['classes'][panoptic_label(value)]
