"""Checks of files: samples that cannot be used, and images that are in both splits."""

from collections.abc import Iterable
from pathlib import PurePath
from typing import NamedTuple

from mmoneformer.data_check.finding import NUM_EXAMPLES, Finding, Severity, describe
from mmoneformer.data_check.sample_record import FaultKind, SplitRecord
from mmoneformer.datasets.missing_files import name_hint

DARK = 1 << 15  # half of the range of 16 bits


class Report(NamedTuple):
    """What is reported of a kind of fault."""

    title: str
    remedy: str
    severity: Severity = Severity.ERROR


REPORTS = {
    FaultKind.MISSING_FILE: Report(
        '{count} samples with missing files',
        'Copy the files, or correct data_root, data_prefix and the suffixes in the config',
    ),
    FaultKind.ANNOTATION_SIZE: Report(
        '{count} samples whose annotation has another size than the image',
        'Take both from the same release and do not resize only one of them; the examples tell if the EXIF '
        'orientation is the cause.',
    ),
    FaultKind.UNKNOWN_LABEL: Report(
        '{count} samples with ids or labels that are not listed in the annotation or in the classes',
        'Add them to the annotation or to the classes, or set their pixels to void.',
    ),
    FaultKind.INCONSISTENT_ANNOTATION: Report(
        '{count} samples with an inconsistent annotation',
        'Correct the annotation file, or generate it again.',
    ),
    FaultKind.UNREADABLE_FILE: Report(
        '{count} samples with an unreadable file',
        'Copy or download the files again, or remove the samples from the annotation.',
    ),
    FaultKind.REJECTED: Report(
        '{count} samples that the pipeline rejects',
        'Training replaces them by other samples; with mmdet.RandomCrop set allow_negative_crop=True to keep them.',
        Severity.WARNING,
    ),
    FaultKind.FAILED: Report(
        '{count} samples that a transform of the pipeline fails on',
        'The examples give the transform and its error.',
    ),
}


def unusable_samples(split: SplitRecord) -> Iterable[Finding]:
    """Samples that would stop the training, or that it would leave out."""
    offenders: dict[FaultKind, list[str]] = {kind: [] for kind in REPORTS}
    for sample in split.samples:
        if sample.fault is not None:
            kind, step, error, message = sample.fault
            offenders[kind].append(f'{sample.path}: {step}: {error}: {message}')
    missing = [sample.path for sample in split.samples if sample.fault and sample.fault.kind is FaultKind.MISSING_FILE]
    hints = {FaultKind.MISSING_FILE: name_hint(missing)}
    for kind, report in REPORTS.items():
        yield from describe(report.severity, report.title, offenders[kind], report.remedy + hints.get(kind, ''))


def left_out(split: SplitRecord) -> Iterable[Finding]:
    """What the data sets of mmdet and mmseg leave out."""
    for title, examples, remedy, is_harmless in split.remarks:
        yield Finding(Severity.NOTE if is_harmless else Severity.WARNING, title, examples[:NUM_EXAMPLES], remedy)


def dark_pictures(split: SplitRecord) -> Iterable[Finding]:
    """Images of 16 bits per value of which the upper 8 bits, which are used, are nearly 0 in the whole split."""
    values = {sample.path: sample.greatest for sample in split.samples if sample.greatest is not None}
    most = max(values.values(), default=0)
    if most >= DARK:
        return []
    return describe(
        Severity.WARNING,
        f'{{count}} images have 16 bits per value, but none is above {most}: the upper 8 bits, which are used, end at '
        f'{most >> 8} of 255',
        [f'{path}: greatest value {value}' for path, value in values.items()],
        'They are nearly black to the model, as 12-bit data are: scale them to the whole range, or convert them to 8 '
        'bits.',
    )


def copies_between_splits(train: SplitRecord, val: SplitRecord) -> Iterable[Finding]:
    """Images with the same content in both splits."""
    trained = {sample.digest: sample.path for sample in train.samples if sample.digest}
    return describe(
        Severity.WARNING,
        f'{{count}} of {len(val.samples)} validation images are also training images: metrics will be too high',
        [f'{sample.path} = {trained[sample.digest]}' for sample in val.samples if sample.digest in trained],
        'Remove them from one of the splits.',
    )


def names_in_both_splits(train: SplitRecord, val: SplitRecord) -> Iterable[Finding]:
    """Images with the same name and different content in both splits, unless all names are shared (numbered files)."""
    trained = {PurePath(sample.path).name: sample for sample in train.samples}
    shared = [sample for sample in val.samples if PurePath(sample.path).name in trained]
    if len(shared) == min(len(train.samples), len(val.samples)):
        return []
    different = [s.path for s in shared if s.digest is None or s.digest != trained[PurePath(s.path).name].digest]
    return describe(
        Severity.NOTE,
        '{count} validation images have the name of a training image, but different content',
        different,
        'If they show the same scene, re-encoded or cropped, remove them from one of the splits.',
    )
