"""What the annotation teaches: classes, and pixels without one."""

from collections import Counter
from collections.abc import Iterable

from mmoneformer.data_check.finding import Finding, Severity, describe
from mmoneformer.data_check.sample_record import SplitRecord

VOID_SHARE = 0.5  # of an image's pixels
IMBALANCE = 100  # times as many images


def unlabeled_pixels(split: SplitRecord) -> Iterable[Finding]:
    """Images that are unlabeled for the most part."""
    shares = sorted(
        ((sample.void_share, sample.path) for sample in split.sound() if (sample.void_share or 0) > VOID_SHARE),
        reverse=True,
    )
    return describe(
        Severity.WARNING,
        f'{{count}} images of whose pixels more than {VOID_SHARE:.0%} are unlabeled',
        [f'{path}: {share:.1%}' for share, path in shares],
        'Label them, or take them out; things alone are better given as instance annotation (docs/own_data.md).',
    )


def segments_without_pixel(split: SplitRecord) -> Iterable[Finding]:
    """Segments that are listed and not drawn."""
    counts = {sample.path: sum(not segment.area for segment in sample.segments) for sample in split.sound()}
    return describe(
        Severity.NOTE,
        f'{{count}} images list segments without a pixel, {sum(counts.values())} in all',
        [f'{path}: {count}' for path, count in counts.items() if count],
        'They are left out. If there are many, the tool that wrote the annotation drew segments over others.',
    )


def images_without_target(split: SplitRecord) -> Iterable[Finding]:
    """Annotated images to train on with nothing, or with crowds alone."""
    if split.name != 'train':
        return []
    return describe(
        Severity.NOTE,
        '{count} annotated images without a single segment that can be a target',
        [
            sample.path
            for sample in split.annotated()
            if all(segment.iscrowd or not segment.area for segment in sample.segments)
        ],
        'They teach "nothing is here". If that is not so, leave them out: filter_cfg=dict(filter_empty_gt=True).',
    )


def classes_without_segment(split: SplitRecord) -> Iterable[Finding]:
    """Classes that do not occur."""
    names, counts = split.metainfo['classes'], images_per_class(split)
    is_training = split.name == 'train'
    effect = 'the model will never predict them' if is_training else 'nothing can be measured of them'
    return describe(
        Severity.WARNING if is_training else Severity.NOTE,
        f'{{count}} of {len(names)} classes have no segment: {effect}' if counts else '{count} classes, no annotation',
        [name for label, name in enumerate(names) if not counts[label]],
        'Compare the names and their order with those of the annotation, or remove the classes from the config.',
    )


def class_imbalance(split: SplitRecord) -> Iterable[Finding]:
    """Classes that are much rarer than the commonest."""
    counts = images_per_class(split)
    most = max(counts.values(), default=0)
    rare = sorted((count, label) for label, count in counts.items() if count * IMBALANCE < most)
    return describe(
        Severity.NOTE,
        f'{{count}} classes are in less than a {IMBALANCE}th of the images of the commonest one ({most} images)',
        [f'{split.metainfo["classes"][label]}: {count} images' for count, label in rare],
        'Expect little of them. Add images, or draw these more often: MultiSourceDataset takes shares of sources.',
    )


def images_per_class(split: SplitRecord) -> Counter[int]:
    """In how many images each class has a segment with pixels, crowds left out."""
    return Counter(
        label
        for sample in split.sound()
        for label in {segment.label for segment in sample.segments if segment.area and not segment.iscrowd}
    )
