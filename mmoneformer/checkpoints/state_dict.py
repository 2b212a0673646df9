"""State dicts: keys that are renamed in both directions, and shapes that define a model."""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

StateDict = dict[str, Tensor]
Rows = tuple[tuple[str, str], ...]


class KeyTable:
    """Renames the start of keys.

    Args:
        rows: Pairs of the start of their key and of ours, which end at a dot or the end of the key; ``*`` stands for
            one name between dots, the same on both sides. The longest row that matches applies.
    """

    def __init__(self, rows: Iterable[tuple[str, str]]) -> None:
        self.rows = sorted(rows, key=lambda row: len(row[0]), reverse=True)
        self._patterns = [(_to_pattern(theirs), _to_template(ours)) for theirs, ours in self.rows]

    def inverse(self) -> 'KeyTable':
        """The table from our keys to theirs."""
        return KeyTable((ours, theirs) for theirs, ours in self.rows)

    def rename(self, state_dict: Mapping[str, Tensor]) -> StateDict:
        """Rename all keys.

        Raises:
            ValueError: If no row matches a key, or two keys become one.
        """
        renamed: StateDict = {}
        for key, tensor in state_dict.items():
            new_key = self._rename_key(key)
            if new_key in renamed:
                raise ValueError(f'two keys become {new_key!r}; the second is {key!r}')
            renamed[new_key] = tensor
        return renamed

    def _rename_key(self, key: str) -> str:
        for pattern, template in self._patterns:
            match = pattern.match(key)
            if match:
                return match.expand(template) + key[match.end() :]
        raise ValueError(f'unknown key {key!r}: this is not a OneFormer checkpoint that can be converted')


def under(theirs: str, ours: str, rows: Iterable[tuple[str, str]]) -> Rows:
    """Rows below a module: prefixes their and our name to each."""
    return tuple((f'{theirs}.{their}', f'{ours}.{our}') for their, our in rows)


def _to_pattern(row: str) -> re.Pattern[str]:
    return re.compile(re.escape(row).replace(r'\*', r'([^.]+)') + r'(?=\.|$)')


def _to_template(row: str) -> str:
    parts = row.split('*')
    return ''.join(part + (rf'\{index}' if index < len(parts) else '') for index, part in enumerate(parts, start=1))


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
