"""What a user may ask to be predicted: files, folders, patterns, URLs, arrays."""

import os
from collections.abc import Iterable, Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.datasets.transforms import LoadImageFromNDArray

SUFFIXES = {'.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp'}

Source = str | os.PathLike[str] | np.ndarray
Sources = Source | Iterable[Source]


def expand_sources(images: Sources, *, missing_ok: bool = False) -> Iterable[Source]:
    """List the images that are asked for, without reading any.

    Args:
        images: A file, a folder (its pictures, by name, without subfolders), a pattern such as ``val/*.jpg``, a URL,
            an array, or several of these.
        missing_ok: Whether a file that does not exist is listed like any other.

    Returns:
        Files (as paths), URLs (as strings) and arrays: a list; of an iterator, an iterator that asks it for one at a
        time.

    Raises:
        FileNotFoundError: If a path does not exist.
        TypeError: If something is none of these.
        ValueError: If a folder holds no picture, or nothing matches a pattern.
    """
    if isinstance(images, str | os.PathLike | np.ndarray):
        images = [images]
    expanded = (found for source in images for found in _expand(source, missing_ok))
    return list(expanded) if isinstance(images, Sequence) else expanded


def _expand(source: Source, missing_ok: bool) -> Iterable[Source]:
    if isinstance(source, np.ndarray) or _is_url(source):
        return [source]
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f'an image is a path, a URL or an array, got {type(source).__name__}: {source!r}')
    path = Path(source)
    if path.is_dir():
        return _pictures(path.iterdir(), f'the folder {path}')
    if path.exists():
        return [path]
    if has_magic(str(path)):
        return _pictures(map(Path, glob(str(path), recursive=True)), f'the pattern {path}')
    if missing_ok:
        return [path]
    raise FileNotFoundError(f'no such file or folder: {path}')


def _is_url(source: Source) -> bool:
    return isinstance(source, str) and '://' in source


def _pictures(files: Iterator[Path], where: str) -> list[Path]:
    pictures = sorted(file for file in files if file.suffix.lower() in SUFFIXES)
    if not pictures:
        raise ValueError(f'{where} holds no picture ({", ".join(sorted(SUFFIXES))})')
    return pictures


def name_of(source: Source, number: int) -> str:
    """What to call a source when speaking of it; ``number`` counts the sources from 0."""
    return f'array {number}' if isinstance(source, np.ndarray) else str(source)


def stem_of(source: Source, number: int) -> str:
    """What to call the files that are made of a source, without a suffix."""
    if isinstance(source, np.ndarray):
        return f'{number:06d}'
    path = PurePosixPath(urlsplit(source).path) if isinstance(source, str) and _is_url(source) else Path(source)
    return path.stem or f'{number:06d}'


def load_source(source: Source, loader: BaseTransform) -> dict[str, Any]:
    """Start a sample as a pipeline's first transform does.

    Args:
        source: One of ``expand_sources``.
        loader: The first transform of the pipeline; it reads files and URLs.

    Raises:
        ValueError: If the file cannot be read, which the message names, or the array is no image.
    """
    if isinstance(source, np.ndarray):
        return LoadImageFromNDArray()({'img': _checked(source)})
    try:
        return loader({'img_path': str(source)})
    except Exception as error:  # what a broken picture raises depends on the backend
        reason = str(error)
        told = reason if str(source) in reason else f'{source} is no picture that can be read: {reason}'
        raise ValueError(told) from error


def _checked(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise ValueError(f'an image array must be BGR, uint8 [H, W, 3], got {array.dtype} {list(array.shape)}')
    return array
