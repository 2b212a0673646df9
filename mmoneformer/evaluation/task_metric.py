"""What the metrics of a task have in common: which images they measure, and what they refuse."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from mmoneformer_deploy.result_files import FreeNames

Sample = Mapping[str, Any]
SKIPPED = False  # result of a skipped image: mmengine needs one of each image to merge processes, and drops None


class TaskMetric(BaseMetric):
    """Base class of the metrics that measure, or write, the results of one task.

    A subclass names its task, adds what it reads from an image to ``results`` in ``process_image``, and returns the
    metrics from ``compute``. To extend a metric of another package, derive from this class first and from that second.

    An image whose annotation does not have the task, as in a data set of several sources, is skipped.

    Args:
        any_token: Whether to accept results that were predicted with the token of another task.
        kwargs: Arguments of ``BaseMetric``, or of the other metric.

    Attributes:
        task: Name of the task.
        needs_ground_truth: Whether images without an annotation of the task are skipped.
    """

    default_prefix = ''
    task: str
    needs_ground_truth = True

    def __init__(self, *, any_token: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.any_token = any_token

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Process the images of a batch.

        Raises:
            ValueError: If a result was predicted with the token of another task, or as ``process_image``.
        """
        for sample in data_samples:
            if self.needs_ground_truth and not is_annotated(sample, self.task):
                self.results.append(SKIPPED)
                continue
            check_task_token(sample, self.task, any_token=self.any_token)
            self.process_image(sample)

    def compute_metrics(self, results: Sequence[Any]) -> dict[str, float]:
        """Compute the metrics from the results of all images, skipped ones too."""
        return self.compute([result for result in results if result is not SKIPPED])

    @abstractmethod
    def process_image(self, sample: dict[str, Any]) -> None:
        """Add what is measured in an image to ``results``."""

    @abstractmethod
    def compute(self, results: Sequence[Any]) -> dict[str, float]:
        """Compute the metrics from the results of the images that were not skipped."""


class ResultsMetric(TaskMetric):
    """Base class of the metrics that write files instead of measuring; they need no ground truth.

    Args:
        folder: Folder of the files of the images; None if only the names of a run have to differ.
        kwargs: Arguments of ``TaskMetric``.
    """

    needs_ground_truth = False

    def __init__(self, *, folder: Path | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._folder = folder
        self._names = FreeNames(folder)

    def evaluate(self, size: int) -> dict[str, float]:
        """Compute the metrics, and give all names again in the next evaluation."""
        try:
            return super().evaluate(size)
        finally:
            self._names = FreeNames(self._folder)

    def claim_name(self, sample: Sample, files: Callable[[str], Iterable[str]]) -> str:
        """Name of the files of an image: the stem of its path, with a number if it is not free (``FreeNames``).

        Args:
            sample: A data sample as dict.
            files: The names of the files of an image of some name.
        """
        return self._names.claim(Path(sample['img_path']).stem, files, str(sample['img_path']))


def image_name(sample: Sample) -> str:
    """Id and path of a data sample's image, for messages."""
    return f'image {sample.get("img_id")} ({sample.get("img_path")})'


def is_annotated(sample: Sample, task: str) -> bool:
    """Whether the annotation of an image has the ground truth of a task; by default it does."""
    return task in sample.get('tasks', (task,))


def check_task_token(sample: Sample, task: str, *, any_token: bool) -> None:
    """Refuse a result that was not predicted with its own task's token: it would be measured far too low.

    Args:
        sample: A data sample as dict; ``task_tokens`` maps each predicted task to the task whose token was used.
        task: Task that the metric measures.
        any_token: Whether to accept any token, to measure how much it matters.

    Raises:
        ValueError: If another token was used, or it is unknown which.
    """
    tokens = sample.get('task_tokens', {})
    if not any_token and tokens.get(task) != task:
        raise ValueError(
            f'{image_name(sample)}: the {task} result was predicted with the token of task {tokens.get(task)!r} '
            f'(task_tokens: {tokens}). Add {task!r} to model.test_cfg.tasks, or measure it with any_token=True'
        )


def check_ground_truth(sample: Sample, field: str) -> None:
    """Refuse a data sample without a ground truth field.

    Raises:
        ValueError: If the field is missing.
    """
    if field not in sample:
        raise ValueError(
            f'{image_name(sample)} has no {field}: the test pipeline needs LoadPanopticMap after Resize, and the '
            'data set an annotation'
        )


def panoptic_ground_truth(sample: Sample, size: tuple[int, int]) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Read the panoptic ground truth of a data sample.

    Args:
        sample: A data sample as dict.
        size: Height and width of the prediction, in pixels.

    Returns:
        The id map, int64 [H, W], where i + 1 is segment i and 0 is void; and the segments, each with ``label`` and
        ``iscrowd``.

    Raises:
        ValueError: If there is none, or its size is not that of the prediction.
    """
    check_ground_truth(sample, 'gt_panoptic_seg')
    id_map = sample['gt_panoptic_seg']['id_map'][0].cpu().numpy().astype(np.int64)
    if id_map.shape != tuple(size):
        raise ValueError(
            f'{image_name(sample)}: the prediction is {tuple(size)} (height, width), the ground truth {id_map.shape}; '
            'both must have the original size: put LoadPanopticMap after Resize'
        )
    return id_map, sample['segments']
