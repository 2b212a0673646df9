"""Puts the checks together."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from mmoneformer.data_check import file_checks, label_checks, split_checks, target_checks
from mmoneformer.data_check.finding import Finding, Severity
from mmoneformer.data_check.model_capacity import model_capacity
from mmoneformer.data_check.sample_record import SplitRecord
from mmoneformer.metainfo import resolve_metainfo

BETWEEN = 'train and val'  # where findings are that concern both splits
CHECKS = (
    file_checks.unusable_samples,
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
        splits: The splits that could be read, by name.
        model: Config of the model.

    Returns:
        Findings of each split, and of both together (``BETWEEN``); the worst first.
    """
    room, classes = model_capacity(model), resolve_metainfo(model['metainfo'])
    found = {
        name: _sorted(
            split_checks.other_classes_than_model(split, classes),
            *(check(split) for check in CHECKS),
            target_checks.more_targets_than_texts(split, room),
        )
        for name, split in splits.items()
    }
    if len(splits) > 1:
        both = splits['train'], splits['val']
        found[BETWEEN] = _sorted(split_checks.copies_between_splits(*both), split_checks.names_in_both_splits(*both))
    return found


def unopened(error: Exception) -> Finding:
    """What is said of a split that cannot be opened at all."""
    return Finding(
        Severity.ERROR,
        'the data set cannot be opened, training would stop here',
        (f'{type(error).__name__}: {error}',),
        'Nothing else can be said of this split before this is put right.',
    )


def _sorted(*found: Any) -> list[Finding]:
    return sorted(chain.from_iterable(found), key=lambda finding: -finding.severity)
