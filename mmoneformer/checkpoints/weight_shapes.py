"""Shapes of weights: what the numbers of a model are read from, and whether weights fit a model."""

from collections.abc import Mapping

from torch import Tensor

from mmoneformer.errors import first_few


class WeightShapes:
    """Shapes of the tensors of a checkpoint.

    Args:
        state_dict: Weights under our keys.
    """

    def __init__(self, state_dict: Mapping[str, Tensor]) -> None:
        self._shapes = {key: tuple(tensor.shape) for key, tensor in state_dict.items()}

    def __getitem__(self, key: str) -> tuple[int, ...]:
        if key not in self._shapes:
            raise ValueError(f'the checkpoint has no tensor {key!r}, which defines the size of the model')
        return self._shapes[key]

    def __contains__(self, prefix: str) -> bool:
        return any(key == prefix or key.startswith(f'{prefix}.') for key in self._shapes)

    def count(self, prefix: str) -> int:
        """Number of submodules ``prefix.0``, ``prefix.1``, ..."""
        children = {key[len(prefix) + 1 :].partition('.')[0] for key in self._shapes if key.startswith(f'{prefix}.')}
        return len(children)


def check_keys(state_dict: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compare names and shapes of weights with those of the model.

    Raises:
        ValueError: If tensors are missing, unexpected, or of another shape; the first few of each kind are named.
    """
    missing = [f'{key} {list(expected[key].shape)}' for key in expected if key not in state_dict]
    unexpected = [f'{key} {list(tensor.shape)}' for key, tensor in state_dict.items() if key not in expected]
    reshaped = [
        f'{key} is {list(state_dict[key].shape)}, the model has {list(tensor.shape)}'
        for key, tensor in expected.items()
        if key in state_dict and state_dict[key].shape != tensor.shape
    ]
    faults = {'missing': missing, 'unexpected': unexpected, 'shape': reshaped}
    lines = [f'{kind}: {first_few(entries)}' for kind, entries in faults.items() if entries]
    if lines:
        raise ValueError('the checkpoint does not fit the model:\n  ' + '\n  '.join(lines))
