"""Reads checkpoints without running code that they may carry.

A .pth file is a pickle, and a pickle can call any function. torch's weights-only unpickler makes tensors, plain
containers and what is on a list of safe globals, and refuses the rest. Our list is what mmengine's Runner stores.
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

NUMBERS = '?' + np.typecodes['AllInteger'] + np.typecodes['Float']  # numpy's codes of its types
NUMPY_MODULES = ('numpy.core.multiarray', 'numpy._core.multiarray')  # as numpy 1 and numpy 2 write it
UNSUPPORTED = re.compile(r'GLOBAL (.+?)(?: was not| whose module|$)', re.MULTILINE)  # in torch's messages


def read_checkpoint(path: str | os.PathLike[str], map_location: str | torch.device = 'cpu') -> dict[str, Any]:
    """Read a checkpoint, weights-only.

    Args:
        path: A file that ``torch.save`` wrote.
        map_location: Where its tensors go.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file wants a function or class that is not on the list; nothing of it is run. Or if it is
            damaged, or no checkpoint.
    """
    allow_mmengine_globals()
    try:
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except OSError:
        raise
    except Exception as error:  # of what kind depends on where a damaged file breaks off
        raise ValueError(_explain(path, error)) from error
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{path} holds a {type(checkpoint).__name__}, a checkpoint is a dict')
    return checkpoint


def _explain(path: str | os.PathLike[str], error: Exception) -> str:
    wanted = UNSUPPORTED.search(str(error))
    if wanted is None:
        reason = str(error).strip().partition('\n')[0]
        return f'{path} is damaged (a broken download?) or no checkpoint of torch: {type(error).__name__}: {reason}'
    return (
        f'{path} is refused: it wants {wanted[1]}, which weights do not need and which could run any code. If you '
        f'trust the file, allow it with torch.serialization.add_safe_globals([{wanted[1]}]) before loading; if not, '
        'ask for a file with weights alone'
    )


def allow_mmengine_globals() -> None:
    """Tell torch that what mmengine's Runner stores is safe: histories of scalars, arrays and numbers of numpy.

    Resuming with mmengine needs it since torch 2.6, which reads weights-only by default. Calling it again changes
    nothing.
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
        codecs.encode,  # of an array's bytes
        *{type(np.dtype(code)) for code in NUMBERS},
        *(_named(rebuild_array, module, '_reconstruct') for module in NUMPY_MODULES),
        *(_named(rebuild_number, module, 'scalar') for module in NUMPY_MODULES),
    ]


def _named(function: Callable[..., Any], module: str, name: str) -> Callable[..., Any]:
    """A function that torch finds when a pickle asks for ``module.name``."""

    def stand_in(*args: Any) -> Any:
        return function(*args)

    stand_in.__module__, stand_in.__name__, stand_in.__qualname__ = module, name, name
    return stand_in


def _history_method(owner: Any, name: str) -> Any:
    """Answer ``getattr`` for what a HistoryBuffer's state names, its own statistics, and for nothing else."""
    if owner is not HistoryBuffer or name.startswith('_') or not hasattr(HistoryBuffer, name):
        raise pickle.UnpicklingError(f'GLOBAL getattr({owner!r}, {name!r})')
    return getattr(HistoryBuffer, name)
