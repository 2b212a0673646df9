"""Cityscapes: ``gtFine`` instance ids become a panoptic annotation.

A pixel value is a label id, or label id * 1000 + n for instance n. A label id alone, of a class of things, is a group
of instances: a crowd. Labels that are not evaluated become void. Segment ids are the pixel values, as written by
cityscapesscripts.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmoneformer.datasets.converters.conversion import Split, parallel_map
from mmoneformer.datasets.converters.id_map import Array, Segment, read_image, segments_info, write_id_map
from mmoneformer.datasets.converters.panoptic_json import check_split, check_target, write_panoptic_json
from mmoneformer.errors import EmptyDatasetError, UnreadableFileError
from mmoneformer.metainfo.cityscapes import CATEGORIES

SPLITS = (Split('train', 'train', 2975), Split('val', 'val', 500))
INSTANCES_PER_LABEL = 1000
_SOURCE_SUFFIX = '_gtFine_instanceIds.png'
_BY_LABEL = {category.id: category for category in CATEGORIES}


def convert(root: Path, split: Split, workers: int, overwrite: bool = False) -> int:
    """Write ``gtFine/cityscapes_panoptic_{split}.json`` and the folder of that name.

    Args:
        root: Folder with ``leftImg8bit`` and ``gtFine``.
        split: One of ``SPLITS``.
        workers: Number of processes.
        overwrite: Whether to replace files at the target that other programs wrote.

    Returns:
        Number of images.

    Raises:
        FileExistsError: If the target exists, is not from an earlier conversion, and must not be replaced.
        ValueError: If there is no annotation, or an image is missing.
    """
    source = root / 'gtFine' / split.folder
    files = sorted(source.glob(f'*/*{_SOURCE_SUFFIX}'))
    if not files:
        raise EmptyDatasetError(f'no {source}/*/*{_SOURCE_SUFFIX}: unpack gtFine_trainvaltest.zip and give its folder')
    out = root / 'gtFine' / f'cityscapes_panoptic_{split.name}'
    path = out.with_suffix('.json')
    check_target(path, overwrite=overwrite)
    out.mkdir(exist_ok=True)
    entries = parallel_map(
        partial(_convert_image, out, overwrite), files, description=f'Cityscapes {split.name}', workers=workers
    )

    images, annotations = zip(*entries, strict=True)
    write_panoptic_json(path, images=images, annotations=annotations, categories=CATEGORIES)
    image_dir = root / 'leftImg8bit' / split.folder
    return check_split(path, image_dir=image_dir, seg_dir=out, categories=CATEGORIES)


def _convert_image(out: Path, overwrite: bool, source: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    pixels = read_image(source)
    if pixels.ndim != 2:
        raise UnreadableFileError(f'{source} must have one channel, not shape {pixels.shape}')
    id_map, segments = evaluated(pixels.astype(np.int32))
    image_id = source.name.removesuffix(_SOURCE_SUFFIX)
    name = f'{image_id}_gtFine_panoptic.png'
    write_id_map(out / name, id_map, overwrite=overwrite)
    height, width = pixels.shape
    file_name = f'{source.parent.name}/{image_id}_leftImg8bit.png'
    return (
        {'id': image_id, 'file_name': file_name, 'width': width, 'height': height},
        {'image_id': image_id, 'file_name': name, 'segments_info': segments},
    )


def evaluated(pixels: Array) -> tuple[Array, list[dict[str, Any]]]:
    """Keep the segments that are evaluated.

    Args:
        pixels: Values of an ``instanceIds`` file, int32 [H, W].

    Returns:
        The values with 0 for void, and the json entries of the segments.
    """
    segments = []
    for value in np.unique(pixels).tolist():
        grouped = value < INSTANCES_PER_LABEL
        category = _BY_LABEL.get(value if grouped else value // INSTANCES_PER_LABEL)
        if category is not None:
            segments.append(Segment(value, category.id, is_crowd=grouped and category.is_thing))
    kept = np.isin(pixels, [segment.id for segment in segments])
    id_map = np.where(kept, pixels, 0)
    return id_map, segments_info(id_map, segments)
