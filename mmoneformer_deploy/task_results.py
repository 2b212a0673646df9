"""From the logits of an image to the result of each task, a dict."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mmoneformer_deploy.description import Description
from mmoneformer_deploy.mask_tiles import MaskGeometry
from mmoneformer_deploy.post_process import Thresholds, find_instances, panoptic_map, semantic_map
from mmoneformer_deploy.result_dicts import Classes, ResultDict, instance_dict, panoptic_dict, semantic_dict


class ImageLogits(NamedTuple):
    """Predictions for one task of one image.

    Attributes:
        class_logits: float32 [Q, K + 1].
        mask_logits: float32 [Q, H/4, W/4], of the padded input.
        geometry: Sizes of input, image and result.
    """

    class_logits: np.ndarray
    mask_logits: np.ndarray
    geometry: MaskGeometry


def classes_of(description: Description) -> Classes:
    """The classes of an exported file."""
    return {name: getattr(description, name) for name in ('classes', 'thing_ids', 'palette')}


def check_tasks(names: Iterable[str] | None, available: Sequence[str]) -> list[str]:
    """Return the names of tasks as a list, without repetitions; None stands for all tasks of the file.

    Raises:
        TypeError: If a single string is given.
        ValueError: If there is no name, or one that is not a task.
    """
    if isinstance(names, str):
        raise TypeError(f'tasks must be a list of names, for example [{names!r}], not the string {names!r}')
    known = [task for task in available if task in RESULTS]
    unique = known if names is None else list(dict.fromkeys(names))
    unknown = [name for name in unique if name not in known]
    if unknown or not unique:
        raise ValueError(f'unknown tasks {unknown}: choose one or more of {known}')
    return unique


def _panoptic(logits: ImageLogits, description: Description) -> ResultDict:
    thresholds = Thresholds(description.object_mask_thr, description.overlap_thr)
    found = panoptic_map(*logits, is_thing=_is_thing(description), thresholds=thresholds)
    return panoptic_dict(found.id_map, found.labels.tolist(), found.scores.tolist(), classes_of(description))


def _instance(logits: ImageLogits, description: Description) -> ResultDict:
    found = find_instances(*logits, is_thing=_is_thing(description), max_per_image=description.max_per_image)
    labels, scores, boxes = (part.tolist() for part in found[:3])
    return instance_dict(labels, scores, boxes, found.masks, classes_of(description))


def _semantic(logits: ImageLogits, description: Description) -> ResultDict:
    return semantic_dict(semantic_map(*logits))


def _is_thing(description: Description) -> np.ndarray:
    is_thing = np.zeros(len(description.classes), bool)
    is_thing[description.thing_ids] = True
    return is_thing


RESULTS: dict[str, Callable[[ImageLogits, Description], ResultDict]] = {
    'panoptic': _panoptic,
    'instance': _instance,
    'semantic': _semantic,
}
