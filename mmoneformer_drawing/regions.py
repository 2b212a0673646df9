"""Regions: what is drawn of any task's result, an id map with the class, color and text of each id."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from mmoneformer_deploy.colors import Color, region_colors
from mmoneformer_deploy.result_dicts import Classes, ResultDict
from mmoneformer_deploy.run_lengths import RunLengths, pixels_inside

SHOWN_SCORE = 0.5  # instances with a lower score are not drawn: many overlap better ones

Size = tuple[int, int]


class Regions(NamedTuple):
    """N regions of an image that do not overlap.

    Attributes:
        id_map: uint16 [H, W]; n + 1 in region n, 0 where there is no region.
        labels: Class index of each region.
        colors: RGB, 0 to 255, of each region.
        texts: Text to write on each region.
        scores: Score of each region, 0 to 1; None if the task has none.
    """

    id_map: np.ndarray
    labels: list[int]
    colors: list[Color]
    texts: list[str]
    scores: list[float] | None = None

    def areas(self) -> list[int]:
        """Number of pixels of each region."""
        return np.bincount(self.id_map.ravel(), minlength=len(self.labels) + 1)[1:].tolist()

    def resized(self, width: int, height: int) -> 'Regions':
        """Resize the id map, in pixels; the borders of regions are smoothed if it is enlarged."""
        id_map = cv2.resize(self.id_map, (width, height), interpolation=cv2.INTER_NEAREST)
        side = 2 * -(-width // self.id_map.shape[1]) + 1
        if 3 < side < 256 and len(self.labels) < 256:  # what medianBlur takes
            id_map = cv2.medianBlur(id_map.astype(np.uint8), side).astype(np.uint16)
        return self._replace(id_map=id_map)


# Arguments: the result, height and width of the image, the classes, and the lowest score that is drawn.
ResultRegions = Callable[[ResultDict, Size, Classes, float], Regions]


def panoptic_regions(result: ResultDict, size: Size, classes: Classes, min_score: float) -> Regions:
    """Regions of a panoptic result, in the order of its segments; tracked ones have colors that stay."""
    segments = result['segments']
    ids, labels = [segment['id'] for segment in segments], [segment['label'] for segment in segments]
    shades = _shades(ids, classes) if result.get('tracked') else None
    regions = numbered_regions(result['id_map'], ids, labels, classes, shades)
    return regions._replace(scores=[segment['score'] for segment in segments])


def instance_regions(result: ResultDict, size: Size, classes: Classes, min_score: float) -> Regions:
    """Regions of an instance result, sorted by score; see ``mask_regions``."""
    masks, labels, scores = (result[key] for key in ('masks', 'labels', 'scores'))
    shades = _shades(result['ids'], classes) if 'ids' in result else None
    return mask_regions(masks, labels, scores, size, classes, min_score=min_score, shades=shades)


def semantic_regions(result: ResultDict, size: Size, classes: Classes, min_score: float) -> Regions:
    """Regions of a semantic result, one for each class."""
    return label_regions(result['label_map'], classes)


REGIONS: dict[str, ResultRegions] = {
    'panoptic': panoptic_regions,
    'instance': instance_regions,
    'semantic': semantic_regions,
}


def mask_regions(
    masks: Sequence[RunLengths],
    labels: Sequence[int],
    scores: Sequence[float],
    size: Size,
    classes: Classes,
    *,
    min_score: float = SHOWN_SCORE,
    shades: Sequence[int] | None = None,
) -> Regions:
    """Regions of masks, sorted by score; where masks overlap, the one with the higher score is drawn.

    Args:
        masks: The N masks.
        labels: Class index of each.
        scores: Score of each, 0 to 1.
        size: Height and width of the masks.
        classes: The classes.
        min_score: Masks with a lower score are left out.
        shades: As in ``region_colors``.
    """
    shown = [index for index in sorted(range(len(scores)), key=lambda i: -scores[i]) if scores[index] >= min_score]
    columns = np.zeros(size[::-1], np.uint16)  # [W, H], the order of run lengths
    for number in range(len(shown), 0, -1):
        columns.ravel()[pixels_inside(masks[shown[number - 1]])] = number
    shown_shades = None if shades is None else [shades[index] for index in shown]
    regions = _colored(cv2.transpose(columns), [int(labels[index]) for index in shown], classes, shown_shades)
    texts = [f'{text} {scores[index]:.0%}' for text, index in zip(regions.texts, shown, strict=True)]
    return regions._replace(texts=texts, scores=[float(scores[index]) for index in shown])


def label_regions(label_map: np.ndarray, classes: Classes) -> Regions:
    """Regions of a label map [H, W], one for each class; values that are not a class index are left out."""
    labels = [label for label in map_values(label_map) if label < len(classes['classes'])]
    return numbered_regions(label_map, labels, labels, classes)


def numbered_regions(
    value_map: np.ndarray,
    values: Sequence[int],
    labels: Sequence[int],
    classes: Classes,
    shades: Sequence[int] | None = None,
) -> Regions:
    """Regions of a map in which each of the given values is a region, with these class indices and shades."""
    number_of = np.zeros(max(int(value_map.max()), *values, 0) + 1, np.uint16)
    number_of[list(values)] = np.arange(1, len(values) + 1)
    return _colored(number_of[value_map], labels, classes, shades)


def map_values(integers: np.ndarray) -> list[int]:
    """Values that occur in a map, ascending; bincount is much faster than np.unique."""
    return np.flatnonzero(np.bincount(integers.ravel())).tolist()


def _shades(ids: Sequence[int], classes: Classes) -> list[int]:
    """Shades of the objects of a film; ids up to the number of classes are those of classes."""
    return [max(0, number - len(classes['classes'])) for number in ids]


def _colored(
    id_map: np.ndarray, labels: Sequence[int], classes: Classes, shades: Sequence[int] | None = None
) -> Regions:
    """Color regions, as ``region_colors`` does."""
    colors = region_colors(labels, classes['palette'], shades)
    return Regions(id_map, list(labels), colors, [classes['classes'][label] for label in labels])
