"""What the pipeline leaves of the annotation, and whether the model has room for it."""

from collections import Counter
from collections.abc import Iterable

from mmoneformer.data_check.finding import Finding, Severity, describe
from mmoneformer.data_check.model_capacity import ModelCapacity
from mmoneformer.data_check.sample_record import SampleRecord, SplitRecord

LOST_BY_CROP = 0.5  # share of the segments; a crop is made to lose some
LOST_OTHERWISE = 0.01
CROP_LARGER = 'Crop larger, or resize the images to less before.'
RESIZE_TO_MORE = 'They become smaller than a pixel: resize the images to more, or cut them into tiles.'
TARGETLESS = 0.1  # share of the images


def lost_segments(split: SplitRecord) -> Iterable[Finding]:
    """Segments that a step of the pipeline leaves no pixel of."""
    lost: dict[str, Counter[str]] = {}
    before = Counter[str]()
    for sample in split.annotated():
        for (_, had), (step, has) in zip(sample.visible, sample.visible[1:], strict=False):
            before[step] += had
            lost.setdefault(step, Counter())[sample.path] += had - has
    for step, losses in lost.items():
        share = losses.total() / max(before[step], 1)
        tolerated, remedy = (LOST_BY_CROP, CROP_LARGER) if 'Crop' in step else (LOST_OTHERWISE, RESIZE_TO_MORE)
        if share > tolerated:
            yield from describe(
                Severity.WARNING,
                f'{step} loses {share:.1%} of the segments ({losses.total()} of {before[step]}), in {{count}} images',
                [f'{path}: {count}' for path, count in losses.most_common() if count],
                remedy,
            )


def images_left_without_target(split: SplitRecord) -> Iterable[Finding]:
    """Training images of which the pipeline leaves nothing."""
    annotated = list(split.annotated())
    left = [s.path for s in annotated if s.targets and not any(s.targets.values()) and _has_targets(s)]
    if len(left) <= TARGETLESS * len(annotated):
        return []
    return describe(
        Severity.WARNING,
        f'{{count}} of {len(annotated)} images have no target any more behind the pipeline',
        left,
        f'They teach that nothing is there. {CROP_LARGER}',
    )


def more_targets_than_texts(split: SplitRecord, room: ModelCapacity) -> Iterable[Finding]:
    """Images with more targets than the model can be taught at once."""
    offenders = sorted(
        (
            (count, task, sample.path)
            for sample in split.sound()
            for task, count in sample.targets.items()
            if count > room.num_texts
        ),
        reverse=True,
    )
    most = offenders[0][0] if offenders else 0
    return describe(
        Severity.WARNING,
        f'{{count}} times an image has more targets (up to {most}) than the model can be taught: {room.num_texts} '
        f'texts for {room.num_queries} queries',
        [f'{path}: {count} ({task} task)' for count, task, path in offenders],
        f'Set model.panoptic_head.num_queries to at least {most + room.num_context}, or crop smaller.',
    )


def _has_targets(sample: SampleRecord) -> bool:
    return any(segment.area and not segment.iscrowd for segment in sample.segments)
