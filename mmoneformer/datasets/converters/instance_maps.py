"""COCO instance jsons of instance maps: one map of numbers for each image, or one mask file for each instance."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from mmoneformer.datasets.converters.conversion import parallel_map
from mmoneformer.datasets.converters.panoptic_json import check_target, refuse
from mmoneformer.errors import AnnotationError, AnnotationSizeError, EmptyDatasetError, UnreadableFileError
from mmoneformer_deploy.atomic_files import write_bytes
from mmoneformer_deploy.image_sources import SUFFIXES
from mmoneformer_deploy.result_files import JSON_MARK
from mmoneformer_deploy.run_lengths import encode_edges, find_edges

CATEGORY_ID = 1
Array = np.ndarray[Any, np.dtype[Any]]
Entry = dict[str, Any]


class Source(NamedTuple):
    """An image and the files of its instances: one map of all, or one mask of each."""

    image: Path
    map: Path | None
    masks: tuple[Path, ...]


def convert(
    images: Path,
    annotations: Path,
    out: Path,
    *,
    class_name: str,
    held_out: int,
    workers: int,
    overwrite: bool = False,
) -> dict[str, tuple[int, int]]:
    """Write ``annotations/instances_train.json`` and, with ``held_out``, ``annotations/instances_val.json``.

    Args:
        images: Folder of the images.
        annotations: Folder with, for each image, a map of the same name before the suffix, or a folder of that name
            with its masks, or with a folder ``masks`` of them.
        out: Folder of the data set.
        class_name: Name of the class of all instances.
        held_out: Every how many images, by name from the first, one is for validation; 0 for none.
        workers: Number of processes.
        overwrite: Whether to replace jsons that other programs wrote.

    Returns:
        Number of images and of instances of each split.

    Raises:
        FileNotFoundError: If there is no such folder.
        FileExistsError: If a json exists, is not from an earlier conversion, and must not be replaced.
        EmptyDatasetError: If there are no images.
        AnnotationError: If images have no annotation, or a mask has more than two values.
        AnnotationSizeError: If a map has another size than its image.
        UnreadableFileError: If a file is not an image, or has several channels.
    """
    sources = find_sources(images, annotations)
    splits = {'train': sources}
    if held_out:
        splits = {'train': [s for n, s in enumerate(sources) if n % held_out], 'val': sources[::held_out]}
    paths = {split: out / 'annotations' / f'instances_{split}.json' for split in splits}
    for path in paths.values():
        check_target(path, overwrite=overwrite)
    counts = {}
    for split, path in paths.items():
        read = partial(read_instances, root=images)
        entries = parallel_map(read, splits[split], description=f'instance maps, {split}', workers=workers)
        counts[split] = _write(path, entries, class_name)
    return counts


def find_sources(images: Path, annotations: Path) -> list[Source]:
    """List the images of a folder by name, each with its annotation.

    Raises:
        FileNotFoundError: If there is no such folder.
        EmptyDatasetError: If there are no images.
        AnnotationError: If images have no annotation.
    """
    for folder in (images, annotations):
        if not folder.is_dir():
            raise FileNotFoundError(f'no such folder: {folder}')
    files = _images_in(images)
    if not files:
        raise EmptyDatasetError(f'the folder {images} has no images ({", ".join(sorted(SUFFIXES))})')
    maps = {file.stem: file for file in _images_in(annotations)}
    sources = [Source(file, maps.get(file.stem), _masks_of(annotations / file.stem)) for file in files]
    lacking = [source.image.name for source in sources if source.map is None and not source.masks]
    refuse(annotations, {f'images of {images} without a map or a folder of masks': lacking})
    return sources


def _images_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)


def _masks_of(folder: Path) -> tuple[Path, ...]:
    """The masks of an image, in its folder or in a folder ``masks`` there, as in the Data Science Bowl of 2018."""
    inner = folder / 'masks'
    folder = inner if inner.is_dir() else folder
    return tuple(_images_in(folder)) if folder.is_dir() else ()


def read_instances(source: Source, root: Path) -> tuple[Entry, list[Entry]]:
    """Make the json entries of an image and of its instances, without the ids of the data set.

    Args:
        source: The files.
        root: Folder that the file name is relative to.

    Raises:
        AnnotationError: If a mask has more than two values.
        AnnotationSizeError: If a file has another size than the image.
        UnreadableFileError: If a file is not an image, or has several channels.
    """
    with Image.open(source.image) as image:
        width, height = image.size
    entry = {'file_name': source.image.relative_to(root).as_posix(), 'height': height, 'width': width}
    if source.map is not None:
        instances = _instances_of(_read(source.map, (height, width)))
    else:
        instances = [instance for path in source.masks for instance in _instances_of(_mask(path, (height, width)))]
    return entry, instances


def _read(path: Path, size: tuple[int, int]) -> Array:
    """Read whole numbers [H, W] of any bit depth; of palette images, the indices."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image)
    except OSError as error:
        raise UnreadableFileError(f'{path} cannot be read ({error}): save it as PNG or TIFF again') from error
    if pixels.ndim != 2 or pixels.dtype.kind not in 'bui':
        raise UnreadableFileError(
            f'{path} has shape {pixels.shape} and type {pixels.dtype}: save one channel of whole numbers, 8 or 16 bits'
        )
    if pixels.shape != size:
        raise AnnotationSizeError(f'{path} has height and width {pixels.shape}, but its image has {size}')
    return pixels.astype(np.int64)


def _mask(path: Path, size: tuple[int, int]) -> Array:
    """Read a mask as 0 and 1."""
    pixels = _read(path, size)
    values = np.unique(pixels)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        raise AnnotationError(
            f'{path} has {len(values)} values from {values[0]} to {values[-1]}, but the mask of an instance has 0 and '
            'one other: save it without loss, or give a map of all instances'
        )
    return (pixels > 0).astype(np.int64)


def _instances_of(numbers: Array) -> list[Entry]:
    """Make the entries of the instances of a map, in the order of their numbers; 0 is background."""
    height = numbers.shape[0]
    values, positions = np.unique(np.append(numbers, 0), return_inverse=True)  # numbers may be far apart
    compact = (positions - np.flatnonzero(values == 0)[0])[:-1].reshape(numbers.shape)
    entries = []
    for index, (rows, columns) in enumerate(ndimage.find_objects(compact), start=1):
        inside = compact[:, columns] == index
        edges = find_edges(inside.T) + columns.start * height
        entries.append(
            {
                'segmentation': encode_edges(edges, numbers.shape),
                'area': int(inside.sum()),
                'bbox': [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
            }
        )
    return entries


def _write(path: Path, entries: Sequence[tuple[Entry, list[Entry]]], class_name: str) -> tuple[int, int]:
    """Write a json; return the number of images and of instances."""
    images = [{'id': number, **image} for number, (image, _) in enumerate(entries, start=1)]
    owned = [(number, instance) for number, (_, instances) in enumerate(entries, start=1) for instance in instances]
    annotations = [
        {'id': number, 'image_id': image_id, 'category_id': CATEGORY_ID, **instance, 'iscrowd': 0}
        for number, (image_id, instance) in enumerate(owned, start=1)
    ]
    categories = [{'id': CATEGORY_ID, 'name': class_name}]
    content = JSON_MARK | {'images': images, 'annotations': annotations, 'categories': categories}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, json.dumps(content).encode())
    return len(images), len(annotations)


def main(description: str, arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Args:
        description: Help text of the command.
        arguments: Arguments to use instead of those of the process.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', type=Path, help='folder of the images')
    parser.add_argument('annotations', type=Path, help='folder of the maps, or of a folder of masks for each image')
    parser.add_argument('out', type=Path, help='folder of the data set; the jsons are written to its annotations/')
    parser.add_argument('--class-name', required=True, metavar='NAME', help='class of all instances')
    parser.add_argument('--held-out', type=int, default=0, metavar='N', help='one of N images is for validation')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes (default: one per core)')
    parser.add_argument('--overwrite', action='store_true', help='replace jsons that other programs wrote')
    options = vars(parser.parse_args(arguments))
    if options['held_out'] < 0 or options['held_out'] == 1:
        parser.error(f'--held-out must be at least 2, or 0 for no validation, got {options["held_out"]}')
    try:
        counts = convert(**options)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    for split, (images, instances) in counts.items():
        print(f'{split}: {images} images, {instances} instances')
