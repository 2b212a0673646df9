"""What a user may ask to be predicted: files, folders, arrays."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmdet.datasets.transforms import LoadImageFromNDArray

SUFFIXES = {'.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp'}

Source = str | os.PathLike[str] | np.ndarray
Sources = Source | Sequence[Source]


def list_sources(images: Sources) -> list[Path | np.ndarray]:
    """List the images that are asked for, without reading any.

    Args:
        images: A file, a folder (its pictures, by name, without subfolders), an array, or a list of these.

    Raises:
        FileNotFoundError: If a path does not exist.
        ValueError: If a folder holds no picture, or an array is none.
    """
    if isinstance(images, str | os.PathLike | np.ndarray):
        images = [images]
    return [found for source in images for found in _expand(source)]


def _expand(source: Source) -> Iterable[Path | np.ndarray]:
    if isinstance(source, np.ndarray):
        return [_checked(source)]
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f'no such file or folder: {path}')
    if path.is_file():
        return [path]
    pictures = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not pictures:
        raise ValueError(f'the folder {path} holds no picture ({", ".join(sorted(SUFFIXES))})')
    return pictures


def _checked(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise ValueError(f'an image array must be BGR, uint8 [H, W, 3], got {array.dtype} {list(array.shape)}')
    return array


def load_source(source: Path | np.ndarray, loader: LoadImageFromFile) -> dict[str, Any]:
    """Start a sample as a pipeline's first transform does.

    Args:
        source: One of ``list_sources``.
        loader: The first transform of the pipeline; it reads files.

    Raises:
        ValueError: If the file cannot be read; the message names it.
    """
    if isinstance(source, np.ndarray):
        return LoadImageFromNDArray()({'img': source})
    try:
        return loader({'img_path': str(source)})
    except Exception as error:  # what a broken picture raises depends on the backend
        raise ValueError(f'{source} is no picture that can be read: {error}') from error
