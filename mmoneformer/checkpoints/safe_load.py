"""Reads checkpoints without running code that they may contain.

A .pth file is a pickle, which can call any function. torch's weights-only unpickler creates tensors, plain containers
and what is on its list of safe globals, and rejects everything else. Here the list is extended by what mmengine's
Runner stores.
"""

import codecs
import functools
import os
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.logging.history_buffer import HistoryBuffer

from mmoneformer.checkpoints.weight_file import check_weight_file

NUMBERS = '?' + np.typecodes['AllInteger'] + np.typecodes['Float']  # NumPy's character codes of dtypes
NUMPY_MODULES = ('numpy.core.multiarray', 'numpy._core.multiarray')  # in files written with NumPy 1 and 2
UNSUPPORTED = re.compile(r'GLOBAL (.+?)(?: was not| whose module|$)', re.MULTILINE)  # in torch's messages


def read_checkpoint(path: str | os.PathLike[str], map_location: str | torch.device = 'cpu') -> dict[str, Any]:
    """Read a checkpoint with torch's weights-only unpickler.

    Args:
        path: A file written by ``torch.save``.
        map_location: Device of the tensors, as in ``torch.load``.

    Raises:
        FileNotFoundError: If there is no such file; similar names are listed.
        IsADirectoryError: If it is a folder.
        ValueError: If the file refers to a function or class that is not on the list, in which case nothing is run; if
            it is damaged, or not a checkpoint.
    """
    check_weight_file(path)
    allow_mmengine_globals()
    try:
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except OSError:
        raise
    except Exception as error:  # its type depends on where a damaged file ends
        raise ValueError(_explain(path, error)) from error
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{path} contains a {type(checkpoint).__name__}, a checkpoint is a dict')
    return checkpoint


def _explain(path: str | os.PathLike[str], error: Exception) -> str:
    wanted = UNSUPPORTED.search(str(error))
    if wanted is None:
        return f'{path} is damaged, or not a checkpoint ({type(error).__name__}): download or copy it again'
    return (
        f'{path} is rejected: it refers to {wanted[1]}, which weights do not need and which could run any code. If '
        f'you trust the file, allow it with torch.serialization.add_safe_globals([{wanted[1]}]) before loading; if '
        'not, ask for a file that contains only weights'
    )


def allow_mmengine_globals() -> None:
    """Add what mmengine's Runner stores to torch's safe globals: histories of scalars, NumPy arrays and scalars.

    mmengine needs this for resuming since torch 2.6, where weights-only loading is the default. Repeated calls have no
    effect.
    """
    torch.serialization.add_safe_globals(_safe_globals())


@functools.cache
def _safe_globals() -> list[Any]:
    rebuild_array: Any = np.zeros(0).__reduce__()[0]
    rebuild_number: Any = np.float64(0).__reduce__()[0]
    return [
        HistoryBuffer,
        _named(_history_method, 'builtins', 'getattr'),
        np.ndarray,
        np.dtype,
        codecs.encode,  # the bytes of an array
        *{type(np.dtype(code)) for code in NUMBERS},
        *(_named(rebuild_array, module, '_reconstruct') for module in NUMPY_MODULES),
        *(_named(rebuild_number, module, 'scalar') for module in NUMPY_MODULES),
    ]


def _named(function: Callable[..., Any], module: str, name: str) -> Callable[..., Any]:
    """A function that torch takes for ``module.name``."""

    def stand_in(*args: Any) -> Any:
        return function(*args)

    stand_in.__module__, stand_in.__name__, stand_in.__qualname__ = module, name, name
    return stand_in


def _history_method(owner: Any, name: str) -> Any:
    """``getattr`` for the statistics of a HistoryBuffer only, which its state refers to."""
    if owner is not HistoryBuffer or name.startswith('_') or not hasattr(HistoryBuffer, name):
        raise pickle.UnpicklingError(f'GLOBAL getattr({owner!r}, {name!r})')
    return getattr(HistoryBuffer, name)
