"""What transforms have in common that make one image of several images of the data set."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset

from mmoneformer.structures import SegmentMap

Sample = dict[str, Any]
DRAWS = 20  # attempts to find another image


class MixTransform(BaseTransform):
    """Base class of transforms that mix an image with others of its data set, drawn at random.

    The data set (``PanopticSegDataset``, ``MultiSourceDataset``) hands itself and the transforms before this one to
    ``connect``. Others are drawn whose annotation is of the same kind and lacks the same classes; where none is found,
    the image itself takes their place.

    In the mixed image, things stay apart, and segments of one stuff class become one (in label maps those of any
    class).

    Args:
        prob: Probability to mix, 0 to 1.

    Raises:
        ValueError: If the probability is none.
        KeyError: When called, if the sample has no ``gt_seg_map``.
        RuntimeError: When called, if no data set was handed over.
    """

    def __init__(self, *, prob: float) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be 0 to 1, got {prob}')
        self.prob = prob
        self._dataset: BaseDataset | None = None
        self._steps: Sequence[BaseTransform] = ()

    def connect(self, dataset: BaseDataset, steps: Sequence[BaseTransform]) -> None:
        """Set where other images come from.

        Args:
            dataset: The data set.
            steps: The transforms of its pipeline before this one.
        """
        self._dataset, self._steps = dataset, steps

    def transform(self, results: Sample) -> Sample:
        """Mix the sample with others, or return it unchanged."""
        name = type(self).__name__
        if 'gt_seg_map' not in results or 'targets' in results:
            raise KeyError(
                f'{results.get("img_path")} has no gt_seg_map: {name} belongs between LoadPanopticMap or LoadSegments '
                'and SampleTask'
            )
        return self.mix(results) if np.random.rand() < self.prob else results

    @abstractmethod
    def mix(self, results: Sample) -> Sample:
        """Mix the sample with others."""

    def draw_other(self, results: Sample) -> Sample:
        """Draw a sample, and apply the transforms before this one to it."""
        dataset = self._dataset
        if dataset is None:
            raise RuntimeError(
                f'{type(self).__name__} has no data set to draw from: it belongs into the pipeline of a '
                'PanopticSegDataset or MultiSourceDataset'
            )
        for _ in range(DRAWS):
            other = dataset.get_data_info(int(np.random.randint(len(dataset))))
            if 'error' in other or _kind(other) != _kind(results):
                continue
            for step in self._steps:
                other = step(other)
                if other is None:
                    break
            if other is not None and 'gt_seg_map' in other:
                return other
        return dict(results)


def connect_mixing(dataset: BaseDataset) -> None:
    """Hand a data set to the transforms of its pipeline that mix images, also within ``RandomApply`` and alike."""
    transforms = dataset.pipeline.transforms
    for position, transform in enumerate(transforms):
        for part in _parts(transform):
            part.connect(dataset, transforms[:position])


def number_in_turn(maps: Sequence[SegmentMap]) -> tuple[list[np.ndarray], np.ndarray]:
    """Give the values of several maps different numbers.

    Args:
        maps: Maps of N_1, N_2, ... segments.

    Returns:
        Their ids, int32, in which 0 is void; and the table of members of all N_1 + N_2 + ... segments, as that of a
        ``SegmentMap``.
    """
    tables = [segment_map.table() for segment_map in maps]
    table = np.zeros((1 + sum(len(own) - 1 for own in tables), sum(own.shape[1] for own in tables)), bool)
    ids, row, column = [], 0, 0
    for segment_map, own in zip(maps, tables, strict=True):
        ids.append(np.where(segment_map.ids > 0, segment_map.ids.astype(np.int32) + row, 0))
        table[row + 1 : row + len(own), column : column + own.shape[1]] = own[1:]
        row, column = row + len(own) - 1, column + own.shape[1]
    return ids, table


def set_mixed(results: Sample, segments: Sequence[Mapping[str, Any]], segment_map: SegmentMap) -> Sample:
    """Set the segments of a mixed image; those of one class become one where it is no thing, or all are classes.

    Args:
        results: The sample, whose ``img`` is set before.
        segments: N segments.
        segment_map: Their pixels.
    """
    is_label_map = results.get('annotation') == 'semantic'
    groups: dict[Any, list[int]] = {}
    for number, segment in enumerate(segments):
        is_thing = segment['label'] in results['thing_ids'] and not is_label_map
        key = number if is_thing else (segment['label'], segment['iscrowd'])
        groups.setdefault(key, []).append(number)
    merged = segment_map.merge(list(groups.values()))
    results['segments'] = [
        dict(segments[numbers[0]], id=number) for number, numbers in enumerate(groups.values(), start=1)
    ]
    results.pop('gt_members', None)
    results |= merged.fields()
    results['img_shape'] = results['img'].shape[:2]
    return results


def _kind(results: Mapping[str, Any]) -> tuple[Any, ...]:
    """What two samples must have in common to be mixed."""
    return results.get('annotation'), results.get('unlabeled_ids'), tuple(results['tasks'])


def _parts(transform: Any) -> list[MixTransform]:
    """A transform and those within it, if they mix images."""
    if isinstance(transform, MixTransform):
        return [transform]
    if isinstance(transform, list | tuple):
        return [part for inner in transform for part in _parts(inner)]
    return _parts(getattr(transform, 'transforms', ()))
