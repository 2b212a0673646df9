"""The json of a split: written after its files, and checked against them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmoneformer.errors import AnnotationError
from mmoneformer.metainfo.category import Category
from mmoneformer_deploy.atomic_files import write_bytes
from mmoneformer_deploy.result_files import JSON_MARK, is_result

NUM_SHOWN = 5  # faults of each kind


def write_panoptic_json(
    path: Path,
    *,
    images: Sequence[dict[str, Any]],
    annotations: Sequence[dict[str, Any]],
    categories: Sequence[Category],
) -> None:
    """Write a COCO-panoptic json; a file with the same content is left untouched."""
    content = JSON_MARK | {
        'images': list(images),
        'annotations': list(annotations),
        'categories': [category.as_json() for category in categories],
    }
    encoded = json.dumps(content).encode()
    if not path.exists() or path.read_bytes() != encoded:
        write_bytes(path, encoded)


def check_target(path: Path, *, overwrite: bool) -> None:
    """Check that a json is not there yet, or is from an earlier conversion.

    Raises:
        FileExistsError: If it is of another program, and ``overwrite`` is False.
    """
    if path.exists() and not overwrite and not is_result(path):
        raise FileExistsError(
            f'{path} was written by another program: rename it and its folder, or replace both with --overwrite'
        )


def check_split(path: Path, *, image_dir: Path, seg_dir: Path, categories: Sequence[Category]) -> int:
    """Check a json and its files.

    Args:
        path: The json.
        image_dir: Folder that the file names of the images are relative to.
        seg_dir: Folder of the PNG files.
        categories: All categories that its segments may have.

    Returns:
        Number of images.

    Raises:
        AnnotationError: If ids do not match, a category is unknown, or a file is missing.
    """
    content = json.loads(path.read_bytes())
    check_ids(path, content)
    images, annotations = content['images'], content['annotations']
    used = {info['category_id'] for entry in annotations for info in entry['segments_info']}
    faults = {
        'unknown category ids': used - {category.id for category in categories},
        f'missing images in {image_dir}': _missing(images, image_dir),
        f'missing annotations in {seg_dir}': _missing(annotations, seg_dir),
    }
    refuse(path, faults)
    return len(images)


def check_ids(path: Path, content: dict[str, Any]) -> None:
    """Check that ids of images and segments are unique, and that each image has one annotation.

    Args:
        path: The json, for the message.
        content: Content of the json.

    Raises:
        AnnotationError: If not.
    """
    image_ids = [image['id'] for image in content['images']]
    annotated = [annotation['image_id'] for annotation in content['annotations']]
    faults = {
        'repeated image ids': _repeated(image_ids),
        'images with several annotations': _repeated(annotated),
        'images without annotation': set(image_ids) - set(annotated),
        'annotations without image': set(annotated) - set(image_ids),
        'annotations with repeated segment ids': [
            entry['file_name']
            for entry in content['annotations']
            if _repeated(info['id'] for info in entry['segments_info'])
        ],
    }
    refuse(path, faults)


def category_faults(entries: Iterable[dict[str, Any]], categories: Sequence[Category]) -> dict[str, list[str]]:
    """Return how the categories of a json differ from ours, except for colors, as faults for ``refuse``."""
    theirs = {(entry['id'], entry['name'], bool(entry['isthing'])) for entry in entries}
    ours = {category[:3] for category in categories}
    return {
        'unknown categories (id, name, thing?)': [str(row) for row in theirs - ours],
        'missing categories': [str(row) for row in ours - theirs],
    }


def refuse(source: Path, faults: Mapping[str, Iterable[Any]]) -> None:
    """Raise if there is any fault.

    Args:
        source: File or folder with the faults.
        faults: Offending values by kind of fault.

    Raises:
        AnnotationError: If there is any; the message has the number of faults of each kind and the first few.
    """
    lines = []
    for kind, values in faults.items():
        listed = sorted(values, key=str)
        if listed:
            more = ', ...' if len(listed) > NUM_SHOWN else ''
            lines.append(f'{len(listed)} {kind}: {", ".join(map(str, listed[:NUM_SHOWN]))}{more}')
    if lines:
        raise AnnotationError(f'{source} is incomplete or inconsistent: ' + '; '.join(lines))


def _repeated(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def _missing(entries: Sequence[dict[str, Any]], folder: Path) -> set[str]:
    present = {file.relative_to(folder).as_posix() for file in folder.rglob('*') if file.is_file()}
    return {entry['file_name'] for entry in entries} - present
