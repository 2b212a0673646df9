"""Mapillary Vistas v1.2: its panoptic annotation without the category that is not evaluated.

The download has COCO-panoptic annotation. Segments of the category "Unlabeled" become void; files without such a
segment are linked, not copied.
"""

import filecmp
import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmoneformer.datasets.converters.conversion import Split, parallel_map
from mmoneformer.datasets.converters.id_map import check_replaceable, read_checked, write_id_map
from mmoneformer.datasets.converters.panoptic_json import (
    category_faults,
    check_ids,
    check_split,
    check_target,
    refuse,
    write_panoptic_json,
)
from mmoneformer.metainfo.mapillary import CATEGORIES
from mmoneformer_deploy.atomic_files import replacing

SPLITS = (Split('train', 'training', 18000), Split('val', 'validation', 2000))
UNLABELED_ID = 66


def convert(root: Path, split: Split, workers: int, overwrite: bool = False) -> int:
    """Write ``mapillary_panoptic_{split}.json`` and the folder of that name.

    Args:
        root: Folder with ``training`` and ``validation``, each with ``images`` and with ``panoptic`` (or
            ``v1.2/panoptic``, as in the download with v2.0).
        split: One of ``SPLITS``.
        workers: Number of processes.
        overwrite: Whether to replace files at the target that other programs wrote.

    Returns:
        Number of images.

    Raises:
        FileExistsError: If the target exists, is not from an earlier conversion, and must not be replaced.
        FileNotFoundError: If there is no annotation.
        AnnotationError: If it is not that of v1.2, or an annotation or an image is missing or does not fit the json.
    """
    source = _annotation_file(root / split.folder)
    content = json.loads(source.read_bytes())
    evaluated = [category for category in content['categories'] if category['id'] != UNLABELED_ID]
    refuse(source, category_faults(evaluated, CATEGORIES))
    check_ids(source, content)

    out = root / f'mapillary_panoptic_{split.name}'
    path = out.with_suffix('.json')
    check_target(path, overwrite=overwrite)
    out.mkdir(exist_ok=True)
    images = {image['id']: image for image in content['images']}
    jobs = [(images[annotation['image_id']], annotation) for annotation in content['annotations']]
    convert_image = partial(_convert_image, source.parent, out, overwrite)
    entries = parallel_map(convert_image, jobs, description=f'Mapillary {split.name}', workers=workers)

    write_panoptic_json(
        path,
        images=[image for image, _ in entries],
        annotations=[annotation for _, annotation in entries],
        categories=CATEGORIES,
    )
    image_dir = root / split.folder / 'images'
    return check_split(path, image_dir=image_dir, seg_dir=out, categories=CATEGORIES)


def _annotation_file(folder: Path) -> Path:
    candidates = [folder / place / 'panoptic_2018.json' for place in ('panoptic', 'v1.2/panoptic')]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    found = ', but v2.0 was found, which has other classes' if (folder / 'v2.0').exists() else ''
    raise FileNotFoundError(
        f'none of {", ".join(map(str, candidates))} exists{found}: unpack Mapillary Vistas v1.2 there'
    )


def _convert_image(
    panoptic_dir: Path, out: Path, overwrite: bool, job: tuple[dict[str, Any], dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    image, annotation = job
    name, segments = annotation['file_name'], annotation['segments_info']
    shape = (image['height'], image['width'])
    id_map = read_checked(panoptic_dir / name, shape=shape, ids=[info['id'] for info in segments])
    unlabeled = [info['id'] for info in segments if info['category_id'] == UNLABELED_ID]
    if unlabeled:
        write_id_map(out / name, np.where(np.isin(id_map, unlabeled), 0, id_map), overwrite=overwrite)
    else:
        _link(panoptic_dir / name, out / name, overwrite=overwrite)
    kept = [info for info in segments if info['category_id'] != UNLABELED_ID]
    return (
        image | {'file_name': Path(name).with_suffix('.jpg').name},
        annotation | {'segments_info': kept},
    )


def _link(source: Path, target: Path, *, overwrite: bool) -> None:
    """Hard link, or copy where the file system has no links."""
    if target.exists():
        if filecmp.cmp(source, target, shallow=False):
            return
        check_replaceable(target, overwrite=overwrite)
    with replacing(target, unique=True) as part:  # a link needs a name that is free
        try:
            os.link(source, part)
        except OSError:
            shutil.copyfile(source, part)
