"""Samples that cannot be read, by what is wrong with them."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from mmoneformer.data_check.finding import Finding, Severity, describe
from mmoneformer.data_check.sample_record import Fault, SplitRecord


class Kind(NamedTuple):
    """A kind of fault: how to tell it, what is said of it, how bad it is and what to do."""

    fits: Callable[[Fault], bool]
    title: str
    remedy: str
    severity: Severity = Severity.ERROR


def _says(*phrases: str) -> Callable[[Fault], bool]:
    return lambda fault: any(phrase in fault.message for phrase in phrases)


KINDS = (  # the first that fits counts; errors of transforms are told apart by what they say
    Kind(
        lambda fault: fault.error == 'FileNotFoundError',
        '{count} samples whose files are missing',
        'Copy the files, or correct data_root, data_prefix and the suffixes.',
    ),
    Kind(
        _says('height and width', 'not match the size'),
        '{count} samples whose annotation is of another size than the image',
        'Take both from one release, resize neither by itself; the examples say if EXIF orientation is the cause.',
    ),
    Kind(
        _says('ids that are not among', 'category ids that', 'has labels', 'has label '),
        '{count} samples with ids or labels that the annotation or the classes do not list',
        'List what is missing in the annotation or in the classes, or set the pixels to the id of void.',
    ),
    Kind(
        lambda fault: fault.step == 'annotation',
        '{count} samples whose annotation contradicts itself',
        'Correct the json, or write it again with the tool that made it.',
    ),
    Kind(
        lambda fault: fault.step == 'image file' or fault.step.startswith('Load'),
        '{count} samples with a file that cannot be read',
        'Copy or download the files again, or take the samples out of the annotation.',
    ),
    Kind(
        lambda fault: fault.error == 'rejection',
        '{count} samples that the pipeline rejects',
        'Training draws another sample instead of these; for mmdet.RandomCrop set allow_negative_crop=True.',
        Severity.WARNING,
    ),
    Kind(
        lambda fault: True,
        '{count} samples that make the pipeline fail',
        'The name of the transform and what it says are in the examples.',
    ),
)


def unusable_samples(split: SplitRecord) -> Iterable[Finding]:
    """Samples that would stop a training, or that it would leave out."""
    offenders: dict[str, list[str]] = {kind.title: [] for kind in KINDS}
    for sample in split.samples:
        fault = sample.fault
        if fault is not None:
            kind = next(kind for kind in KINDS if kind.fits(fault))
            offenders[kind.title].append(f'{sample.path}: {fault.step}: {fault.error}: {fault.message}')
    for kind in KINDS:
        yield from describe(kind.severity, kind.title, offenders[kind.title], kind.remedy)
