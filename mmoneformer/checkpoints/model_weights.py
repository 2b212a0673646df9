"""Whether weights fit a model: plain tensors of its names and shapes, and of its classes."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmoneformer.errors import first_few
from mmoneformer.metainfo import Metainfo

WRAPPER = 'module.'  # torch's DataParallel and DistributedDataParallel add it to all keys
SHOWN_CLASSES = 8


def plain_weights(weights: Mapping[str, Any], path: str | os.PathLike[str] | None) -> dict[str, Tensor]:
    """Convert NumPy arrays to tensors, and remove the prefix of distributed training.

    Args:
        weights: State dict as it was saved.
        path: Its file, for the error message.

    Raises:
        ValueError: If it is not a state dict, or has entries that are neither tensors nor arrays.
    """
    if not isinstance(weights, Mapping) or not weights:
        raise ValueError(
            f'{path} has no weights where they are expected, but {type(weights).__name__} {weights!r:.50}'
        )
    others = [f'{key!r}' for key, value in weights.items() if not isinstance(value, Tensor | np.ndarray | np.generic)]
    if others:
        raise ValueError(
            f"{path} has no 'state_dict', only {first_few(others)}: convert weights of other "
            'code with tools/convert_checkpoint.py'
        )
    start = len(WRAPPER) if all(str(key).startswith(WRAPPER) for key in weights) else 0
    return {key[start:]: _tensor(value) for key, value in weights.items()}


def check_keys(
    state_dict: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    *,
    source: object = 'the checkpoint',
    is_optional: Callable[[str], bool] = lambda key: False,
) -> None:
    """Compare names and shapes of weights with those of the model.

    Args:
        state_dict: Weights under our keys.
        expected: State dict of the model.
        source: File of the weights, for the error message.
        is_optional: Whether weights or model may lack the tensor of a key.

    Raises:
        ValueError: If tensors are missing, unexpected, or of another shape; the first few of each kind are named.
    """
    missing = _described(expected, state_dict, is_optional)
    unexpected = _described(state_dict, expected, is_optional)
    reshaped = [
        f'{key} is {list(state_dict[key].shape)}, the model has {list(tensor.shape)}'
        for key, tensor in expected.items()
        if key in state_dict and state_dict[key].shape != tensor.shape
    ]
    faults = {'missing': missing, 'unexpected': unexpected, 'shape': reshaped}
    listed = [f'{kind}: {first_few(entries)}' for kind, entries in faults.items() if entries]
    if listed:
        raise ValueError(f'{source} does not fit the model: {"; ".join(listed)}; {_remedy(state_dict, expected)}')


def check_classes(stored: Mapping[str, Any] | None, expected: Metainfo, remedy: str = '') -> None:
    """Check that weights were trained with the classes of the config.

    Args:
        stored: ``meta.dataset_meta`` of the checkpoint; None or empty if it has none, which is not checked.
        expected: Classes of the model.
        remedy: What to do, appended to the error message.

    Raises:
        ValueError: If names, their order or the thing ids differ, so that results would get wrong names.
    """
    if not stored:
        return
    theirs, ours = tuple(stored.get('classes') or expected['classes']), expected['classes']
    differences = [
        f'class {index} is {name!r} and in the config {other!r}'
        for index, (name, other) in enumerate(zip(theirs, ours, strict=False))
        if name.strip() != other.strip()
    ]
    if len(theirs) != len(ours):
        differences.insert(0, f'there are {len(theirs)} classes and in the config {len(ours)}')
    things = set(stored.get('thing_ids', expected['thing_ids']))
    differences += [
        f'class {index} ({theirs[index]!r}) is a {"thing" if index in things else "stuff"} class, not in the config'
        for index in sorted(things ^ set(expected['thing_ids']))
        if index < len(theirs)
    ]
    if differences:
        listed = '; '.join(differences[:SHOWN_CLASSES])
        raise ValueError(f"the checkpoint's classes are not those of the config: {listed}{remedy}")


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else torch.from_numpy(np.array(value))


def _described(
    tensors: Mapping[str, Tensor], others: Mapping[str, Tensor], is_optional: Callable[[str], bool]
) -> list[str]:
    """Names and shapes of the tensors that the others lack."""
    return [f'{key} {list(tensors[key].shape)}' for key in tensors if key not in others and not is_optional(key)]


def _remedy(state_dict: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    first = next(iter(expected), '')
    prefixes = [key[: -len(first)] for key in state_dict if first and key != first and key.endswith(f'.{first}')]
    if prefixes and all(key.startswith(prefixes[0]) for key in state_dict):
        return f'remove the prefix {prefixes[0]!r} from its keys'
    return 'use the config that it was trained with, or convert weights of other code with tools/convert_checkpoint.py'
