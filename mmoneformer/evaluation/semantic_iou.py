"""Mean IoU, by mmseg, of results that were read under the semantic token."""

from collections.abc import Sequence
from typing import Any

from mmseg.evaluation import IoUMetric

from mmoneformer.evaluation.task_metric import check_ground_truth, check_task_token, tells
from mmoneformer.registry import METRICS


@METRICS.register_module()
class SemanticIoU(IoUMetric):
    """mmseg's ``IoUMetric`` (aAcc, mIoU, mAcc in percent) that refuses results of another task's token.

    Args:
        any_token: Accept results that were read under another task's token.
        kwargs: Of ``IoUMetric``.
    """

    default_prefix = ''
    task = 'semantic'

    def __init__(self, *, any_token: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.any_token = any_token

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Count the pixels of each class in a batch, where the annotation tells them.

        Raises:
            ValueError: If a sample has no ground truth, or was read under another token.
        """
        for sample in data_samples:
            if not tells(sample, self.task):
                self.results.append(())  # processes need a result of every image
                continue
            check_task_token(sample, self.task, any_token=self.any_token)
            if not self.format_only:
                check_ground_truth(sample, 'gt_sem_seg')
            super().process(data_batch, [sample])

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Average over the classes; nothing, where no image had a semantic ground truth."""
        told = [result for result in results if result]
        return super().compute_metrics(told) if told or self.format_only else {}
