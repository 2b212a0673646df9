"""Draws the task of a training image and makes its targets (paper section 3.1)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmoneformer.registry import TRANSFORMS
from mmoneformer.tasks import TASKS, Task, check_tasks, target_text


@TRANSFORMS.register_module()
class SampleTask(BaseTransform):
    """Draw a task and turn the id map into its targets.

    Targets are ordered by class index, those of one class by the order of their segments. Crowd segments and segments
    that have no pixel (any more) are none. It stands behind everything that changes the geometry.

    Adds ``task`` (its name), ``gt_labels`` (class indices, int64 [N]), ``gt_target_map`` ([H, W], pixel value n + 1
    belongs to target n, 0 to none; type of ``gt_seg_map``) and ``texts`` (N strings).

    Args:
        probabilities: Weight of each task, at least 0, in any unit; a task that is not named is never drawn. None
            draws all alike. Tasks that a data set cannot tell are left out and the others keep their proportions.

    Raises:
        ValueError: If a name is no task, a weight is negative or all are zero; in use, if the data set can tell none
            of the tasks.
        KeyError: In use, if the image has no annotation.
    """

    def __init__(self, *, probabilities: Mapping[str, float] | None = None) -> None:
        self.probabilities = dict.fromkeys(TASKS, 1.0) if probabilities is None else dict(probabilities)
        check_tasks(self.probabilities)
        weights = self.probabilities.values()
        if min(weights) < 0 or not 0 < sum(weights) < np.inf:
            raise ValueError(f'probabilities must be at least 0 and not all 0, got {self.probabilities}')

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add task, targets and texts to the sample."""
        if 'gt_seg_map' not in results:
            raise KeyError(
                f'{results.get("img_path")} has no gt_seg_map: SampleTask needs an annotated image, and '
                'LoadPanopticMap before it'
            )
        task = TASKS[self._draw(results['tasks'])]
        seg_map = results['gt_seg_map']
        labels, table = _choose_targets(seg_map, results['segments'], results['thing_ids'], task)
        results['task'] = task.name
        results['gt_labels'] = np.array(labels, dtype=np.int64)
        results['gt_target_map'] = table.take(seg_map)
        results['texts'] = [target_text(results['classes'][label]) for label in labels]
        return results

    def _draw(self, tasks: Sequence[str]) -> str:
        weights = np.array([self.probabilities.get(name, 0.0) for name in tasks])
        if not weights.any():
            raise ValueError(
                f'the data set can tell the tasks {list(tasks)}, but of them none is in the probabilities '
                f'{self.probabilities}'
            )
        return tasks[np.random.choice(len(tasks), p=weights / weights.sum())]


def _choose_targets(
    seg_map: np.ndarray, segments: Sequence[Mapping[str, int]], thing_ids: Sequence[int], task: Task
) -> tuple[list[int], np.ndarray]:
    """Labels of the targets, and the table from pixel values of the id map to those of the target map."""
    visible = np.bincount(seg_map.ravel(), minlength=len(segments) + 1) > 0
    chosen = [
        segment
        for segment in segments
        if visible[segment['id']]
        and not segment['iscrowd']
        and (segment['label'] in thing_ids or not task.things_only)
    ]
    labels: list[int] = []
    table = np.zeros(len(segments) + 1, seg_map.dtype)
    for segment in sorted(chosen, key=lambda segment: segment['label']):
        if not (task.merges_classes and labels and labels[-1] == segment['label']):
            labels.append(segment['label'])
        table[segment['id']] = len(labels)
    return labels, table
