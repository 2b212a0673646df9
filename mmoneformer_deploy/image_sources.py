"""Sources of images to predict: files, folders, patterns, URLs, arrays, images of Pillow."""

import logging
import os
from collections.abc import Iterable, Sequence
from glob import escape, glob, has_magic
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from mmoneformer_deploy.atomic_files import is_partial
from mmoneformer_deploy.result_files import is_result

SUFFIXES = {'.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp'}
ALLOWED = ', '.join(sorted(SUFFIXES))
LOGGER = logging.getLogger(__name__)

IN_MEMORY = (np.ndarray, Image.Image)

Source = str | os.PathLike[str] | np.ndarray | Image.Image
Sources = Source | Iterable[Source]


def expand_sources(images: Sources, *, missing_ok: bool = False, recursive: bool = False) -> Iterable[Source]:
    """List the images of a source, without reading them.

    Args:
        images: A file, a folder (its images, sorted by name, without subfolders, incomplete files and results of an
            earlier run), a pattern such as ``val/*.jpg`` or ``val/**/*`` (the images that match, without such
            results), a URL, an array, an image of Pillow, or an iterable of these.
        missing_ok: Whether to list files that do not exist.
        recursive: Whether to list the images of subfolders, too, after those of their folder.

    Returns:
        Files (as paths), URLs (as strings), arrays and images of Pillow: a list, or an iterator if ``images`` is one,
        which is consumed step by step.

    Raises:
        FileNotFoundError: If a path does not exist.
        TypeError: If a source has another type.
        ValueError: If a folder has no images, or no file matches a pattern.
    """
    if isinstance(images, (str, os.PathLike, *IN_MEMORY)):
        images = [images]
    expanded = (found for source in images for found in _expand(source, missing_ok, recursive))
    return list(expanded) if isinstance(images, Sequence) else expanded


def _expand(source: Source, missing_ok: bool, recursive: bool) -> Iterable[Source]:
    if isinstance(source, IN_MEMORY) or _is_url(source):
        return [source]
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f'an image is a path, a URL, an array or a PIL image, got {type(source).__name__}: {source!r}')
    path = Path(source)
    if path.is_dir():
        return _tree_images(path) if recursive else _folder_images(path)
    if path.exists():
        return [path]
    if has_magic(str(path)):
        images = _images(map(Path, glob(_literal_folder(path), recursive=True)))
        if not images:
            raise ValueError(f'no image ({ALLOWED}) matches the pattern {path}')
        return images
    if missing_ok:
        return [path]
    raise FileNotFoundError(f'no such file or folder: {path}')


def _is_url(source: Source) -> bool:
    return isinstance(source, str) and '://' in source


def _folder_images(folder: Path) -> list[Path]:
    images = _images(file for file in folder.iterdir() if not is_partial(file))
    below = next((file for file in folder.rglob('*') if file.parent != folder and _is_image(file)), None)
    hint = f"subfolders are not searched, but with the pattern '{folder}/**/*'"
    if not images:
        raise ValueError(f'the folder {folder} has no images ({ALLOWED}){f"; {hint}" if below else ""}')
    if below:
        LOGGER.warning('%s: %d images; %s (%s is an image)', folder, len(images), hint, below)
    return images


def _tree_images(folder: Path) -> list[Path]:
    """The images of a folder and its subfolders, without hidden ones and links, which may lead around in circles."""
    images: list[Path] = []
    for parent, subfolders, files in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith('.'))
        images += _images(path for path in (Path(parent, name) for name in files) if not is_partial(path))
    if not images:
        raise ValueError(f'the folder {folder} and its subfolders have no images ({ALLOWED})')
    return images


def folders_in(images: Sources) -> list[Path]:
    """Return the folders among sources that ``expand_sources`` lists; of an iterator, none is known."""
    if isinstance(images, str | os.PathLike):
        images = [images]
    if not isinstance(images, Sequence):
        return []
    paths = (Path(source) for source in images if isinstance(source, str | os.PathLike))
    return [path for path in paths if path.is_dir()]


def _literal_folder(pattern: Path) -> str:
    """Escape the folder that a pattern begins with, whose name may look like a pattern itself."""
    folder = next(parent for parent in pattern.parents if parent.exists())
    return str(Path(escape(str(folder)), pattern.relative_to(folder)))


def _images(files: Iterable[Path]) -> list[Path]:
    return sorted(file for file in files if _is_image(file))


def _is_image(path: Path) -> bool:
    """Whether a file has the suffix of an image, and is not a result of an earlier run: a PNG or a GeoTIFF."""
    suffix = path.suffix.lower()
    return suffix in SUFFIXES and not (suffix in ('.png', '.tif') and is_result(path))


def name_of(source: Source, number: int) -> str:
    """Name of a source in messages; ``number`` is its index."""
    if isinstance(source, np.ndarray):
        return f'array {number}'
    return f'PIL image {number}' if isinstance(source, Image.Image) else str(source)


def place_of(source: Source, number: int, roots: Iterable[Path] = ()) -> tuple[str, PurePosixPath]:
    """Stem of the files written for a source, and their subfolder.

    Args:
        source: The source.
        number: Its index.
        roots: Folders whose subfolders are kept.
    """
    file = Path(source) if isinstance(source, Path) else Path()
    root = next((root for root in roots if root in file.parents), None)
    subfolder = PurePosixPath() if root is None else PurePosixPath(file.parent.relative_to(root).as_posix())
    return stem_of(source, number), subfolder


def stem_of(source: Source, number: int) -> str:
    """Stem of the files written for a source; ``number`` is its index."""
    if isinstance(source, IN_MEMORY):
        return f'{number:06d}'
    path = PurePosixPath(urlsplit(source).path) if isinstance(source, str) and _is_url(source) else Path(source)
    return path.stem or f'{number:06d}'


def names_in(folder: str | os.PathLike[str], sources: Iterable[Source]) -> list[str]:
    """Return the names of the sources that are files of a folder; of an iterator, none is known."""
    if not isinstance(sources, Sequence) or not os.path.isdir(folder):
        return []
    files = [source for source in sources if isinstance(source, Path)]
    same = {parent for parent in {file.parent for file in files} if parent.is_dir() and parent.samefile(folder)}
    return [file.name for file in files if file.parent in same]
