"""Reads detectron2's .pkl files: pickles of NumPy arrays."""

import codecs
import os
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import torch

from mmoneformer.checkpoints.state_dict import StateDict
from mmoneformer.errors import first_few

_rebuild_array: Any = np.zeros(0).__reduce__()[0]
_rebuild_number: Any = np.float64(0).__reduce__()[0]
ALLOWED = {
    ('collections', 'OrderedDict'): OrderedDict,
    ('_codecs', 'encode'): codecs.encode,  # the bytes of an array
    ('numpy', 'ndarray'): np.ndarray,
    ('numpy', 'dtype'): np.dtype,
} | {  # in files written with NumPy 1 and 2
    (f'numpy.{core}.multiarray', name): rebuild
    for core in ('core', '_core')
    for name, rebuild in (('_reconstruct', _rebuild_array), ('scalar', _rebuild_number))
}


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles NumPy arrays and plain containers, and rejects everything else before it is called."""

    def find_class(self, module: str, name: str) -> Any:
        """Look up a class or function of the pickle.

        Raises:
            pickle.UnpicklingError: If arrays do not need it.
        """
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f'it refers to {module}.{name}, which weights do not need')
        return ALLOWED[module, name]


def read_detectron2_pickle(path: str | os.PathLike[str]) -> StateDict:
    """Read the weights of a .pkl file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file refers to more than arrays, in which case nothing is run; if it is damaged or has no
            weights.
    """
    with open(path, 'rb') as file:
        try:
            content = ArrayUnpickler(file, encoding='latin1').load()
        except Exception as error:  # its type depends on where a damaged file ends
            raise ValueError(f'{path} is rejected, or not a pickle of weights: {error}') from error
    model = content.get('model', content) if isinstance(content, dict) else None
    if not model or not isinstance(model, dict):
        raise ValueError(f"{path} has no 'model' with arrays in it")
    others = [key for key, array in model.items() if not isinstance(array, np.ndarray | np.generic)]
    if others:
        raise ValueError(f'{path} has entries that are not arrays: {first_few(others)}')
    return {key: torch.as_tensor(np.asarray(array)) for key, array in model.items()}
