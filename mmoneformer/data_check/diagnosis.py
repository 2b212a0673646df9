"""Applies all checks."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from mmoneformer.data_check import file_checks, label_checks, target_checks
from mmoneformer.data_check.finding import Finding, Severity
from mmoneformer.data_check.sample_record import SplitRecord
from mmoneformer.metainfo import Metainfo, resolve_metainfo

BETWEEN = 'train and val'  # key of the findings about both splits
OF_FILES = (file_checks.unusable_samples, file_checks.left_out, file_checks.dark_pictures)
OF_LABELS = (
    label_checks.crowds_alone,
    label_checks.classes_without_segment,
    label_checks.images_without_target,
    label_checks.unlabeled_pixels,
    label_checks.segments_without_pixel,
    label_checks.class_imbalance,
    target_checks.lost_segments,
    target_checks.images_left_without_target,
)


def diagnose(splits: Mapping[str, SplitRecord], model: Mapping[str, Any]) -> dict[str, list[Finding]]:
    """Apply all checks.

    Args:
        splits: The splits that could be opened, by name.
        model: Config of the model.

    Returns:
        Findings of each split, and of both together (``BETWEEN``), the most severe first.
    """
    capacity, classes = target_checks.model_capacity(model), resolve_metainfo(model['metainfo'])
    found = {name: _of_split(split, capacity, classes) for name, split in splits.items()}
    if len(splits) > 1:
        both = splits['train'], splits['val']
        found[BETWEEN] = _sorted(file_checks.copies_between_splits(*both), file_checks.names_in_both_splits(*both))
    return found


def _of_split(split: SplitRecord, capacity: target_checks.ModelCapacity, classes: Metainfo) -> list[Finding]:
    """Findings of a split; where no sample is usable, those that would only follow from it are left out."""
    found = [label_checks.other_classes_than_model(split, classes), *(check(split) for check in OF_FILES)]
    if any(split.usable()):
        found += [check(split) for check in OF_LABELS]
        found.append(target_checks.more_targets_than_texts(split, capacity))
    return _sorted(*found)


def unopened(error: Exception) -> Finding:
    """Return the finding for a split that cannot be opened."""
    return Finding(
        Severity.ERROR,
        'the data set cannot be opened: training would stop here',
        (f'{type(error).__name__}: {error}',),
        'Nothing else of this split can be checked before this is fixed.',
    )


def _sorted(*found: Iterable[Finding]) -> list[Finding]:
    return sorted(chain.from_iterable(found), key=lambda finding: -finding.severity)
