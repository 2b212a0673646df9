"""Verifies that a checkpoint is the model that its record describes, and that this installation computes the same."""

import os
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config

from mmoneformer.apis.init_model import init_model
from mmoneformer.checkpoints.checksums import sha256_of
from mmoneformer.checkpoints.conversion import convert
from mmoneformer.checkpoints.model_zoo import fetch, is_remote
from mmoneformer.fingerprint.known_models import find_known
from mmoneformer.fingerprint.model_record import (
    ModelRecord,
    find_differences,
    read_record,
    record_model,
    write_record,
)

AnyPath = str | os.PathLike[str]


class Verification(NamedTuple):
    """What was found.

    Attributes:
        path: The checkpoint.
        record: What is known of it now.
        differences: A sentence for each difference, by the record that it was compared with; it is the model that the
            records describe if all of these are empty.
    """

    path: Path
    record: ModelRecord
    differences: dict[str, list[str]]


def record_path(checkpoint: AnyPath) -> Path:
    """Path of the record beside a checkpoint."""
    checkpoint = Path(checkpoint)
    return checkpoint.with_name(f'{checkpoint.name}.record.json')


def verify(checkpoint: AnyPath, *, config: AnyPath | Config | None = None, record: bool = False) -> Verification:
    """Compare a checkpoint with its records: the one beside it, and that of a known model.

    Args:
        checkpoint: Weights, as in ``init_model``.
        config: Config of the model; None for the config that is stored in the checkpoint.
        record: Whether to write the record beside the checkpoint, instead of comparing with one that is there.

    Raises:
        OSError: If the record cannot be written.
        ValueError: As ``init_model``; if the record is not one.
    """
    path = fetch(str(checkpoint), convert) if is_remote(checkpoint) else Path(checkpoint)
    own = record_path(path)
    recorded = {own.name: read_record(own)} if own.exists() and not record else {}
    model = init_model(config, path, 'cpu')
    found = record_model(model, sha256_of(path))
    known = find_known(str(checkpoint), found.weights_sha256)
    if known:
        name, expected = known
        recorded[f'the known model {name}'] = expected
    if record:
        write_record(own, found)
    differences = {name: list(find_differences(found, expected)) for name, expected in recorded.items()}
    return Verification(path, found, differences)
