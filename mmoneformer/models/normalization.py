"""How images are normalized: as the pretraining of the backbone did, unless the config states it."""

from collections.abc import Mapping
from logging import WARNING
from typing import Any, NamedTuple

from mmengine.logging import print_log
from torch import nn

TOLERANCE = 0.01  # of pixel values: records round them differently


class Normalization(NamedTuple):
    """Images are normalized as (image - mean) / std.

    Attributes:
        mean: Of red, green and blue, in 0..255.
        std: Likewise.
    """

    mean: list[float]
    std: list[float]


def with_normalization(preprocessor: dict[str, Any] | None, backbone: nn.Module) -> dict[str, Any] | None:
    """Config of the data preprocessor, with the backbone's normalization where it states none.

    A normalization that differs from the backbone's is kept, and named in the log.

    Args:
        preprocessor: Config; ``mean`` and ``std`` may be None, or left out.
        backbone: Has an attribute ``normalization`` if it knows that of its pretraining.
    """
    known: Normalization | None = getattr(backbone, 'normalization', None)
    if known is None or not isinstance(preprocessor, Mapping):
        return preprocessor
    stated = {key: preprocessor[key] for key in known._fields if preprocessor.get(key) is not None}
    others = [key for key, values in stated.items() if _differ(values, getattr(known, key))]
    for key in others:
        print_log(
            f'data_preprocessor.{key} is {list(stated[key])}, but {_name(backbone)} was trained with '
            f'{getattr(known, key)}: leave it out to take that',
            logger='current',
            level=WARNING,
        )
    return {**preprocessor, **known._asdict(), **stated}


def _differ(values: Any, known: list[float]) -> bool:
    return len(values) != len(known) or any(abs(a - b) > TOLERANCE for a, b in zip(values, known, strict=True))


def _name(backbone: nn.Module) -> str:
    return f'{type(backbone).__name__} {getattr(backbone, "model_name", "")}'.rstrip()
