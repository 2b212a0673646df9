"""What can be said of the splits and the model together only."""

from collections.abc import Iterable
from itertools import zip_longest
from pathlib import PurePath

from mmoneformer.data_check.finding import Finding, Severity, describe
from mmoneformer.data_check.sample_record import SplitRecord
from mmoneformer.metainfo import Metainfo


def copies_between_splits(train: SplitRecord, val: SplitRecord) -> Iterable[Finding]:
    """Images of the same content in both splits."""
    trained = {sample.digest: sample.path for sample in train.samples if sample.digest}
    return describe(
        Severity.WARNING,
        f'{{count}} of {len(val.samples)} validation images are training images, too: metrics will flatter',
        [f'{sample.path} = {trained[sample.digest]}' for sample in val.samples if sample.digest in trained],
        'Take them out of one of the splits.',
    )


def names_in_both_splits(train: SplitRecord, val: SplitRecord) -> Iterable[Finding]:
    """Images of the same name and other content in both splits; not if all are, as where each split is numbered."""
    trained = {PurePath(sample.path).name: sample for sample in train.samples}
    shared = [sample for sample in val.samples if PurePath(sample.path).name in trained]
    if len(shared) == min(len(train.samples), len(val.samples)):
        return []
    different = [s.path for s in shared if s.digest is None or s.digest != trained[PurePath(s.path).name].digest]
    return describe(
        Severity.NOTE,
        '{count} validation images have the name of a training image and other content',
        different,
        'See whether they show the same scene, encoded or cut anew; then take them out of one of the splits.',
    )


def other_classes_than_model(split: SplitRecord, model: Metainfo) -> Iterable[Finding]:
    """Classes that the model takes for others."""
    pairs = zip_longest(_named(model), _named(split.metainfo), fillvalue='none')
    differences = [
        f'class {index}: {ours} in the model, {theirs} in the data'
        for index, (ours, theirs) in enumerate(pairs)
        if ours != theirs
    ]
    return describe(
        Severity.ERROR,
        '{count} classes of the data are not those of the model',
        differences,
        'Write the metainfo once: model.metainfo={{_base_.metainfo}}, and metainfo=metainfo in each data set.',
    )


def _named(metainfo: Metainfo) -> list[str]:
    things = set(metainfo['thing_ids'])
    return [f'{name} ({"thing" if i in things else "stuff"})' for i, name in enumerate(metainfo['classes'])]
