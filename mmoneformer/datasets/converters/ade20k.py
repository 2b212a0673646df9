"""ADE20K: scene parsing labels and instance annotations become one panoptic annotation.

Things come from ``annotations_instance`` (R: class 1..100, G: instance), stuff from ``annotations`` (label 1..150,
0 for none). Where they overlap, the instance wins; a thing of ``annotations`` without an instance is void. This is how
the panoptic benchmark of the data set is defined. Its json gives stuff the area and box that it has before instances
are put on top; evaluation uses them, so we write the same, although fewer pixels (or none) are left.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmoneformer.datasets.converters.conversion import Split, parallel_map
from mmoneformer.datasets.converters.id_map import Array, Segment, read_image, segments_info, write_id_map
from mmoneformer.datasets.converters.panoptic_json import check_split, check_target, refuse, write_panoptic_json
from mmoneformer.errors import AnnotationSizeError, EmptyDatasetError, UnknownLabelError
from mmoneformer.metainfo.ade20k import CATEGORIES

SPLITS = (Split('train', 'training', 20210), Split('val', 'validation', 2000))
THINGS = tuple(category for category in CATEGORIES if category.is_thing)


def convert(root: Path, split: Split, workers: int, overwrite: bool = False) -> int:
    """Write ``ade20k_panoptic_{split}.json`` and the folder of that name.

    Args:
        root: ``ADEChallengeData2016``, with ``images``, ``annotations`` and ``annotations_instance``.
        split: One of ``SPLITS``.
        workers: Number of processes.
        overwrite: Whether to replace files at the target that other programs wrote.

    Returns:
        Number of images.

    Raises:
        FileExistsError: If the target exists, is not from an earlier conversion, and must not be replaced.
        AnnotationError: If an annotation is missing, or does not fit its image or the classes.
    """
    image_dir = root / 'images' / split.folder
    stems = sorted(file.stem for file in image_dir.glob('*.jpg'))
    if not stems:
        raise EmptyDatasetError(f'no images in {image_dir}: unpack ADEChallengeData2016.zip and give its folder')
    label_dir, instance_dir = root / 'annotations' / split.folder, root / 'annotations_instance' / split.folder
    for source in (label_dir, instance_dir):
        refuse(source, {'missing annotations': set(stems) - {file.stem for file in source.glob('*.png')}})

    out = root / f'ade20k_panoptic_{split.name}'
    path = out.with_suffix('.json')
    check_target(path, overwrite=overwrite)
    out.mkdir(exist_ok=True)
    convert_image = partial(_convert_image, image_dir, label_dir, instance_dir, out, overwrite)
    entries = parallel_map(convert_image, stems, description=f'ADE20K {split.name}', workers=workers)

    images, annotations = zip(*entries, strict=True)
    write_panoptic_json(path, images=images, annotations=annotations, categories=CATEGORIES)
    return check_split(path, image_dir=image_dir, seg_dir=out, categories=CATEGORIES)


def _convert_image(
    image_dir: Path, label_dir: Path, instance_dir: Path, out: Path, overwrite: bool, stem: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    image, name = image_dir / f'{stem}.jpg', f'{stem}.png'
    labels, instances = read_image(label_dir / name), read_image(instance_dir / name)
    with Image.open(image) as header:
        width, height = header.size
    for kind, array, shape in (('annotations', labels, (height, width)), ('instances', instances, (height, width, 3))):
        if array.shape != shape or array.dtype != np.uint8:
            raise AnnotationSizeError(
                f'{kind} of {image} must be uint8 of shape {shape}, got {array.dtype} {array.shape}'
            )
    try:
        id_map, segments = merge(labels, instances)
    except UnknownLabelError as error:
        raise UnknownLabelError(f'{image}: {error}') from error
    write_id_map(out / name, id_map, overwrite=overwrite)
    return (
        {'id': stem, 'file_name': image.name, 'width': width, 'height': height},
        {'image_id': stem, 'file_name': name, 'segments_info': segments},
    )


def merge(labels: Array, instances: Array) -> tuple[Array, list[dict[str, Any]]]:
    """Put instances on top of stuff.

    Args:
        labels: Scene parsing labels, 0..150, uint8 [H, W].
        instances: Instance annotation, uint8 [H, W, 3], BGR: class 1..100 in red, instance 1..255 in green.

    Returns:
        Ids from 1, stuff first, int32 [H, W], and the json entries of the segments.

    Raises:
        UnknownLabelError: If a label or class is out of range, or an instance has several classes.
    """
    if labels.max() > len(CATEGORIES):
        raise UnknownLabelError(f'label {labels.max()}: labels are 0 to {len(CATEGORIES)}')
    stuff = {
        label: CATEGORIES[label - 1].id
        for label in np.unique(labels).tolist()
        if label and not CATEGORIES[label - 1].is_thing
    }
    things = _instance_categories(instances)
    stuff_map, stuff_segments = _layer(labels, stuff, offset=0)
    thing_map, thing_segments = _layer(instances[..., 1], things, offset=len(stuff))
    return np.where(thing_map > 0, thing_map, stuff_map), stuff_segments + thing_segments


def _layer(values: Array, category_ids: dict[int, int], offset: int) -> tuple[Array, list[dict[str, Any]]]:
    """Number the values with a category from offset + 1; other pixels are 0."""
    id_of = np.zeros(256, np.int32)
    id_of[list(category_ids)] = np.arange(len(category_ids)) + offset + 1
    id_map = id_of[values]
    return id_map, segments_info(id_map, [Segment(int(id_of[v]), category) for v, category in category_ids.items()])


def _instance_categories(instances: Array) -> dict[int, int]:
    """Category id of each instance, in ascending order of instances."""
    pairs = np.unique(instances[..., 1].astype(np.int32) * 256 + instances[..., 2])
    categories: dict[int, int] = {}
    for instance, thing in (divmod(pair, 256) for pair in pairs.tolist() if pair >= 256):
        if instance in categories:
            raise UnknownLabelError(f'instance {instance} has several classes')
        if not 1 <= thing <= len(THINGS):
            raise UnknownLabelError(f'instance {instance} has class {thing}: classes are 1 to {len(THINGS)}')
        categories[instance] = THINGS[thing - 1].id
    return categories
