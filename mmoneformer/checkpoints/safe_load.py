"""Reads checkpoints without running code that they may contain, and says what a file is that is none.

A .pth file is a pickle, which can call any function. torch's weights-only unpickler creates tensors, plain containers
and what is on its list of safe globals, and rejects everything else. Here the list is extended by what mmengine's
Runner stores.
"""

import codecs
import difflib
import functools
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging.history_buffer import HistoryBuffer

from mmoneformer.checkpoints.model_zoo import released_urls

NUMBERS = '?' + np.typecodes['AllInteger'] + np.typecodes['Float']  # NumPy's character codes of dtypes
NUMPY_MODULES = ('numpy.core.multiarray', 'numpy._core.multiarray')  # in files written with NumPy 1 and 2
UNSUPPORTED = re.compile(r'GLOBAL (.+?)(?: was not| whose module|$)', re.MULTILINE)  # in torch's messages
ZIP, PICKLE = b'PK\x03\x04', b'\x80'  # torch.save writes an archive; before torch 1.6 it wrote pickles
GIT_LFS = b'version https://git-lfs'
HTML = (b'<!doctype', b'<html', b'<?xml')
HEAD = 64  # bytes that are enough to tell


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
    if not isinstance(checkpoint.get('meta', {}), dict):
        raise ValueError(f'{path} has a {type(checkpoint["meta"]).__name__} as meta, a checkpoint of mmengine a dict')
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


def check_weight_file(path: str | os.PathLike[str]) -> None:
    """Check that a file can be a checkpoint; only its ends are read.

    Raises:
        FileNotFoundError: If there is no such file; similar names are listed.
        IsADirectoryError: If it is a folder.
        ValueError: If it is empty, a text, a web page, a pointer of git-lfs, of safetensors, or truncated.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            f'{path} is a folder: name the .pth file in it; a folder of Hugging Face is converted with '
            'tools/convert_checkpoint.py'
        )
    if not path.is_file():
        raise FileNotFoundError(f'{path} is not a file, nor the name of a released model{_similar(path)}')
    fault = _fault(path)
    if fault:
        raise ValueError(f'{path} is not a checkpoint: {fault}')


def _similar(path: Path) -> str:
    beside = [file.name for file in path.parent.glob('*.pth')] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside) + difflib.get_close_matches(path.stem, released_urls())
    if near:
        return f'; similar names: {", ".join(map(repr, near))}'
    return ' (docs/model_zoo.md lists them)'


def _fault(path: Path) -> str | None:
    with open(path, 'rb') as file:
        head = file.read(HEAD)
    size = path.stat().st_size
    if not head:
        return 'it is empty; download or copy it again'
    if head.startswith(GIT_LFS):
        return 'it is a pointer of git-lfs; get the file itself with: git lfs pull'
    if head.lstrip().lower().startswith(HTML):
        return 'it is a web page; download the file itself'
    if head[8:9] == b'{' and int.from_bytes(head[:8], 'little') < size:
        return 'it is in the format of safetensors; convert the folder that it is in with tools/convert_checkpoint.py'
    if head.startswith(ZIP):
        return None if zipfile.is_zipfile(path) else 'it is truncated; download or copy it again'
    if head.startswith(PICKLE):
        return None
    if _is_text(head):
        return f'it is a text that begins with {head[:30].decode(errors="replace")!r}; download or copy the file again'
    return f'it begins with the bytes {head[:4].hex(" ")}, which torch.save does not write; download or copy it again'


def _is_text(head: bytes) -> bool:
    return all(byte >= 0x20 or byte in b'\t\n\r' for byte in head)
