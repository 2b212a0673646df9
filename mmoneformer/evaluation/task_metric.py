"""What every metric reads from a data sample, and what it refuses."""

from collections.abc import Mapping
from typing import Any

import numpy as np

Sample = Mapping[str, Any]


def image_name(sample: Sample) -> str:
    """How messages call the image of a data sample."""
    return f'image {sample.get("img_id")} ({sample.get("img_path")})'


def check_task_token(sample: Sample, task: str, *, any_token: bool) -> None:
    """Refuse a result that was not read under its own task's token, with which the measure collapses.

    Args:
        sample: A data sample as dict; ``task_tokens`` maps a result's task to the task of its token.
        task: Task that the metric measures.
        any_token: Accept any token, to measure how much it matters.

    Raises:
        ValueError: If the result was read under another token, or under an unknown one.
    """
    tokens = sample.get('task_tokens', {})
    if not any_token and tokens.get(task) != task:
        raise ValueError(
            f'{image_name(sample)}: the {task} result was read under the token of task {tokens.get(task)!r} '
            f'(task_tokens: {tokens}). Add {task!r} to model.test_cfg.tasks, or measure it with any_token=True'
        )


def tells(sample: Sample, task: str) -> bool:
    """Whether the annotation of an image tells the truth of a task; those of mixed sources tell different ones."""
    return task in sample.get('tasks', (task,))


def check_ground_truth(sample: Sample, field: str) -> None:
    """Refuse a data sample without a ground truth field.

    Raises:
        ValueError: If the field is missing.
    """
    if field not in sample:
        raise ValueError(
            f'{image_name(sample)} has no {field}: LoadPanopticMap must stand in the test pipeline, after Resize, '
            'and the data set must have an annotation'
        )


def panoptic_ground_truth(sample: Sample, size: tuple[int, int]) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Read the panoptic ground truth of a data sample.

    Args:
        sample: A data sample as dict.
        size: Height and width of the prediction in pixels.

    Returns:
        The id map, int64 [H, W], where i + 1 belongs to segment i and 0 is void; and the segments, each with ``label``
        and ``iscrowd``.

    Raises:
        ValueError: If there is none, or it is of another size than the prediction.
    """
    check_ground_truth(sample, 'gt_panoptic_seg')
    id_map = sample['gt_panoptic_seg']['sem_seg'][0].cpu().numpy().astype(np.int64)
    if id_map.shape != tuple(size):
        raise ValueError(
            f'{image_name(sample)}: the prediction is {tuple(size)} (height, width), the ground truth {id_map.shape}; '
            'both must have the original size: put LoadPanopticMap after Resize'
        )
    return id_map, sample['segments']
