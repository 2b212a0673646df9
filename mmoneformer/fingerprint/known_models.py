"""The table of models whose records are part of the package, ``known_models.json``.

It has the small models with the authors' code that the parity tests compare with (``docs/parity.json``). A released
model is added under its name, with the record that ``mmoneformer verify --record`` wrote of it.
"""

import json
from functools import cache
from pathlib import Path

from mmoneformer.fingerprint.model_record import ModelRecord

TABLE = Path(__file__).with_name('known_models.json')


@cache
def known_models() -> dict[str, ModelRecord]:
    """The records by the names of the models."""
    table = json.loads(TABLE.read_bytes())
    return {name: ModelRecord.parse(content, f'{name} in {TABLE.name}') for name, content in table.items()}


def find_known(name: str, weights_sha256: str) -> tuple[str, ModelRecord] | None:
    """Find a model in the table.

    Args:
        name: What its user calls it, such as the name of a released model: its record must then be that of the table.
        weights_sha256: SHA-256 of its weights, by which it is found under any other name.

    Returns:
        Its name in the table, and its record; None if it is not there.
    """
    table = known_models()
    if name in table:
        return name, table[name]
    return next(((key, record) for key, record in table.items() if record.weights_sha256 == weights_sha256), None)
