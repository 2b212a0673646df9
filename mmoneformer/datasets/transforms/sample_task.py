"""Draws the task of a training image and makes its targets (paper section 3.1)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures import SegmentMap, TargetMasks, Targets
from mmoneformer.tasks import TASKS, Task, check_tasks, target_text


@TRANSFORMS.register_module()
class SampleTask(BaseTransform):
    """Draw a task and turn the id map into its targets.

    Targets are ordered by class index, those of one class by the order of their segments. Crowd segments and segments
    without a pixel are not targets. Place it after every transform that changes the geometry.

    Adds ``targets`` (``Targets``). Their ``unlabeled`` classes are those that could be targets of the task and are
    not, because the data set does not label them, or not as the task needs them: a label map does not separate the
    things of a class, which the panoptic task does.

    Args:
        probabilities: Weight of each task, at least 0, in any unit; tasks without a weight are never drawn. None
            draws all tasks equally often. Tasks that the annotation does not support are left out; the others keep
            their proportions.

    Raises:
        ValueError: If a name is not a task, or a weight is negative, or all are zero; when called, if the annotation
            supports none of the tasks, or image and map differ in size.
        KeyError: When called, if the image has no annotation.
    """

    def __init__(self, *, probabilities: Mapping[str, float] | None = None) -> None:
        self.probabilities = dict.fromkeys(TASKS, 1.0) if probabilities is None else dict(probabilities)
        check_tasks(self.probabilities)
        weights = self.probabilities.values()
        if min(weights) < 0 or not 0 < sum(weights) < np.inf:
            raise ValueError(f'probabilities must be at least 0 and not all 0, got {self.probabilities}')

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the targets of a task to the sample."""
        if 'gt_seg_map' not in results:
            raise KeyError(
                f'{results.get("img_path")} has no gt_seg_map: SampleTask needs an annotated image, and '
                'LoadPanopticMap or LoadSegments before it'
            )
        _check_size(results)
        task = TASKS[self._draw(results['tasks'])]
        results['targets'] = make_targets(results, SegmentMap.of_sample(results), task)
        return results

    def _draw(self, tasks: Sequence[str]) -> str:
        weights = np.array([self.probabilities.get(name, 0.0) for name in tasks])
        if not weights.any():
            raise ValueError(
                f'the annotation supports the tasks {list(tasks)}, but none of them is in the probabilities '
                f'{self.probabilities}'
            )
        return tasks[np.random.choice(len(tasks), p=weights / weights.sum())]


def make_targets(results: Mapping[str, Any], segment_map: SegmentMap, task: Task) -> Targets:
    """Make the targets of a sample for a task.

    Args:
        results: The sample, with ``segments``, ``classes`` and ``thing_ids``.
        segment_map: The pixels of ``segments``.
        task: The task.
    """
    unsupervised = _unsupervised_classes(results, task)
    targets = _choose_targets(results, segment_map, task, unsupervised)
    labels = [label for label, _ in targets]
    return Targets(
        task=task.name,
        texts=[target_text(results['classes'][label]) for label in labels],
        labels=torch.tensor(labels, dtype=torch.int64),
        masks=TargetMasks.of_segments(segment_map.merge([segments for _, segments in targets])),
        unlabeled=[label for label in unsupervised if label in results['thing_ids'] or not task.things_only],
    )


def _check_size(results: Mapping[str, Any]) -> None:
    """Check that no transform has mixed images, or changed the image alone, or the map alone."""
    if len(results.get('ori_shape', ())) > 2:  # of all transforms, RandomMosaic alone leaves it with channels
        raise ValueError(
            f'{results.get("img_path")} was mixed with other images by mmseg.RandomMosaic, but their segment numbers '
            'mean something else: use PanopticMosaic'
        )
    if 'img' in results and results['img'].shape[:2] != results['gt_seg_map'].shape:
        raise ValueError(
            f'{results.get("img_path")} has height and width {results["img"].shape[:2]} before SampleTask, but its '
            f'gt_seg_map has {results["gt_seg_map"].shape}: a transform before it changes only one of them, as '
            'SegRescale, Transpose, or Albu without gt_seg_map in its keymap'
        )


def _unsupervised_classes(results: Mapping[str, Any], task: Task) -> list[int]:
    """Classes whose targets the annotation does not have, ascending."""
    unsupervised = set(results.get('unlabeled_ids', ()))
    if results.get('annotation') == 'semantic' and not task.merges_classes:
        unsupervised.update(results['thing_ids'])
    return sorted(unsupervised)


def _choose_targets(
    results: Mapping[str, Any], segment_map: SegmentMap, task: Task, unsupervised: Sequence[int]
) -> list[tuple[int, list[int]]]:
    """The label of each target, and the indices of its segments."""
    visible = segment_map.visible()
    chosen = [
        (segment['label'], number)
        for number, segment in enumerate(results['segments'])
        if visible[number]
        and not segment['iscrowd']
        and segment['label'] not in unsupervised
        and (segment['label'] in results['thing_ids'] or not task.things_only)
    ]
    targets: list[tuple[int, list[int]]] = []
    for label, number in sorted(chosen):
        if task.merges_classes and targets and targets[-1][0] == label:
            targets[-1][1].append(number)
        else:
            targets.append((label, [number]))
    return targets
