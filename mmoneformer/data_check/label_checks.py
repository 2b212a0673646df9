"""Checks of labels: classes, unlabeled pixels, and images without a target."""

from collections import Counter
from collections.abc import Iterable
from itertools import zip_longest

from mmoneformer.data_check.finding import Finding, Severity, describe
from mmoneformer.data_check.sample_record import SplitRecord
from mmoneformer.metainfo import Metainfo

VOID_SHARE = 0.5  # of the pixels of an image
IMBALANCE = 100  # ratio of the numbers of images


def unlabeled_pixels(split: SplitRecord) -> Iterable[Finding]:
    """Images that are mostly unlabeled."""
    shares = sorted(
        ((sample.void_share, sample.path) for sample in split.usable() if (sample.void_share or 0) > VOID_SHARE),
        reverse=True,
    )
    remedy = 'Label them, or leave them out. If only things are labeled, use instance annotation (docs/own_data.md).'
    if any(sample.annotation == 'semantic' for sample in split.usable()):
        remedy = (
            'They are neither learned nor measured. If they are background and not unknown, make background a class: '
            'the first one, with reduce_zero_label=False where 0 is the background.'
        )
    return describe(
        Severity.WARNING,
        f'{{count}} images with more than {VOID_SHARE:.0%} unlabeled pixels',
        [f'{path}: {share:.1%}' for share, path in shares],
        remedy,
    )


def segments_without_pixel(split: SplitRecord) -> Iterable[Finding]:
    """Segments that are listed, but have no pixel."""
    counts = {sample.path: sum(not segment.area for segment in sample.segments) for sample in split.usable()}
    return describe(
        Severity.NOTE,
        f'{{count}} images list segments without pixels, {sum(counts.values())} in total',
        [f'{path}: {count}' for path, count in counts.items() if count],
        'They are ignored. Many of them mean that the annotation tool has drawn segments over others.',
    )


def images_without_target(split: SplitRecord) -> Iterable[Finding]:
    """Annotated training images without segments, or with crowds only."""
    if split.name != 'train':
        return []
    return describe(
        Severity.NOTE,
        '{count} annotated images without a segment that can be a target',
        [
            sample.path
            for sample in split.annotated()
            if all(segment.iscrowd or not segment.area for segment in sample.segments)
        ],
        'They are trained as empty images. If they are not, leave them out: filter_cfg=dict(filter_empty_gt=True).',
    )


def classes_without_segment(split: SplitRecord) -> Iterable[Finding]:
    """Classes that do not occur."""
    names, counts = split.metainfo['classes'], images_per_class(split)
    is_training = split.name == 'train'
    is_label_map = any(sample.annotation == 'semantic' for sample in split.usable())
    shifted = ''
    if is_label_map and not counts[len(names) - 1]:
        shifted = ' If 0 is the first class of the label maps, set reduce_zero_label=False: otherwise it is void.'
    effect = 'the model will never predict them' if is_training else 'they cannot be evaluated'
    return describe(
        Severity.WARNING if is_training else Severity.NOTE,
        f'{{count}} of {len(names)} classes have no segment: {effect}' if counts else '{count} classes, no annotation',
        [name for label, name in enumerate(names) if not counts[label]],
        'Compare the names and their order with the annotation, or remove the classes from the config.' + shifted,
    )


def crowds_alone(split: SplitRecord) -> Iterable[Finding]:
    """Annotation that has segments, all of which are crowds."""
    segments = [segment for sample in split.usable() for segment in sample.segments]
    if not segments or not all(segment.iscrowd for segment in segments):
        return []
    return [
        Finding(
            Severity.ERROR,
            f'all {len(segments)} segments are crowds (iscrowd=1): nothing is learned from them, or measured',
            (),
            'Set iscrowd=0 of those that show a single object, or stuff: some labeling tools write 1 for each mask.',
        )
    ]


def class_imbalance(split: SplitRecord) -> Iterable[Finding]:
    """Classes that are much rarer than the most frequent one."""
    counts = images_per_class(split)
    most = max(counts.values(), default=0)
    rare = sorted((count, label) for label, count in counts.items() if count * IMBALANCE < most)
    return describe(
        Severity.NOTE,
        f'{{count}} classes are in less than 1/{IMBALANCE} as many images as the most frequent one ({most} images)',
        [f'{split.metainfo["classes"][label]}: {count} images' for count, label in rare],
        'Expect low accuracy for them. Add images, or sample their source more often (shares of MultiSourceDataset).',
    )


def other_classes_than_model(split: SplitRecord, model: Metainfo) -> Iterable[Finding]:
    """Classes that differ between the data set and the model."""
    pairs = zip_longest(_described(model), _described(split.metainfo), fillvalue='none')
    differences = [
        f'class {index}: {ours} in the model, {theirs} in the data'
        for index, (ours, theirs) in enumerate(pairs)
        if ours != theirs
    ]
    return describe(
        Severity.ERROR,
        '{count} classes of the data differ from those of the model',
        differences,
        'Define metainfo once: model.metainfo={{_base_.metainfo}}, and metainfo=metainfo in each data set.',
    )


def images_per_class(split: SplitRecord) -> Counter[int]:
    """Number of images in which each class has a segment with pixels, without crowds."""
    return Counter(
        label
        for sample in split.usable()
        for label in {segment.label for segment in sample.segments if segment.area and not segment.iscrowd}
    )


def _described(metainfo: Metainfo) -> list[str]:
    things = set(metainfo['thing_ids'])
    return [f'{name} ({"thing" if i in things else "stuff"})' for i, name in enumerate(metainfo['classes'])]
