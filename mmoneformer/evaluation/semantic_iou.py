"""Mean IoU of the semantic task, computed by mmseg."""

from collections.abc import Sequence
from typing import Any

from mmseg.evaluation import IoUMetric

from mmoneformer.evaluation.task_metric import TaskMetric, check_ground_truth
from mmoneformer.registry import METRICS


@METRICS.register_module()
class SemanticIoU(TaskMetric, IoUMetric):
    """mmseg's ``IoUMetric``: aAcc, mIoU and mAcc, in percent.

    Args:
        kwargs: Arguments of ``TaskMetric`` and of ``IoUMetric``.
    """

    task = 'semantic'

    def process_image(self, sample: dict[str, Any]) -> None:
        """Count the pixels of each class.

        Raises:
            ValueError: If the sample has no ground truth.
        """
        if not self.format_only:
            check_ground_truth(sample, 'gt_sem_seg')
        IoUMetric.process(self, {}, [sample])

    def compute(self, results: Sequence[Any]) -> dict[str, float]:
        """Average over the classes.

        Returns:
            The metrics, 0 to 100; none if no image was measured.
        """
        return IoUMetric.compute_metrics(self, list(results)) if results or self.format_only else {}
