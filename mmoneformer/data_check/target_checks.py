"""Checks of targets: what the pipeline leaves of the annotation, and whether the model has enough queries for it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from inspect import signature
from typing import Any, NamedTuple

from mmoneformer.data_check.finding import Finding, Severity, describe
from mmoneformer.data_check.sample_record import SampleRecord, SplitRecord
from mmoneformer.models.text.text_mapper import TextMapper

LOST_BY_CROP = 0.5  # tolerated share of the segments; a crop is supposed to lose some
LOST_OTHERWISE = 0.01
LARGER_CROP = 'Use a larger crop, or a smaller image scale before it.'
LARGER_SCALE = 'They become smaller than a pixel: use a larger image scale, or cut the images into tiles.'
WITHOUT_TARGET = 0.1  # tolerated share of the images


class ModelCapacity(NamedTuple):
    """Each of ``num_queries`` queries can have a target, all but ``num_context`` of them a text as well."""

    num_queries: int
    num_context: int

    @property
    def num_texts(self) -> int:
        """Number of targets that can have a text."""
        return self.num_queries - self.num_context


def model_capacity(model: Mapping[str, Any]) -> ModelCapacity:
    """Return the capacity of the model with this config."""
    head = model['panoptic_head']
    default = signature(TextMapper).parameters['num_context'].default
    return ModelCapacity(head['num_queries'], (head.get('text_mapper') or {}).get('num_context', default))


def lost_segments(split: SplitRecord) -> Iterable[Finding]:
    """Segments that lose all their pixels in a step of the pipeline."""
    lost: dict[str, Counter[str]] = {}
    before = Counter[str]()
    for sample in split.annotated():
        for (_, had), (step, has) in zip(sample.visible, sample.visible[1:], strict=False):
            before[step] += had
            lost.setdefault(step, Counter())[sample.path] += had - has
    for step, losses in lost.items():
        share = losses.total() / max(before[step], 1)
        tolerated, remedy = (LOST_BY_CROP, LARGER_CROP) if 'Crop' in step else (LOST_OTHERWISE, LARGER_SCALE)
        if share > tolerated:
            yield from describe(
                Severity.WARNING,
                f'{step} loses {share:.1%} of the segments ({losses.total()} of {before[step]}), in {{count}} images',
                [f'{path}: {count}' for path, count in losses.most_common() if count],
                remedy,
            )


def images_left_without_target(split: SplitRecord) -> Iterable[Finding]:
    """Training images that have targets before the pipeline and none after it."""
    annotated = list(split.annotated())
    left = [s.path for s in annotated if s.targets and not any(s.targets.values()) and _has_targets(s)]
    if len(left) <= WITHOUT_TARGET * len(annotated):
        return []
    return describe(
        Severity.WARNING,
        f'{{count}} of {len(annotated)} images have no target left after the pipeline',
        left,
        f'They are trained as empty images. {LARGER_CROP}',
    )


def more_targets_than_texts(split: SplitRecord, capacity: ModelCapacity) -> Iterable[Finding]:
    """Images with more targets than the model has texts for."""
    offenders = sorted(
        (
            (count, task, sample.path)
            for sample in split.usable()
            for task, count in sample.targets.items()
            if count > capacity.num_texts
        ),
        reverse=True,
    )
    most = offenders[0][0] if offenders else 0
    return describe(
        Severity.WARNING,
        f'{{count}} times an image has more targets (up to {most}) than the model has texts: {capacity.num_texts} '
        f'for {capacity.num_queries} queries',
        [f'{path}: {count} ({task} task)' for count, task, path in offenders],
        f'Set model.panoptic_head.num_queries to at least {most + capacity.num_context}, or use a smaller crop.',
    )


def _has_targets(sample: SampleRecord) -> bool:
    return any(segment.area and not segment.iscrowd for segment in sample.segments)
