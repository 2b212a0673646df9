"""Writes a shapes data set: images with panoptic, instance and semantic annotation."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask
from rich.console import Console
from rich.progress import track

from mmoneformer.datasets.shapes.classes import Category, find_categories
from mmoneformer.datasets.shapes.scene import VERSION, Scene, Segment, draw_scene
from mmoneformer.structures.panoptic_ids import ids_to_colors
from mmoneformer_deploy.atomic_files import replacing

RECIPE_FILE = 'recipe.json'
SPLITS = ('train', 'val')

Entry = dict[str, Any]  # of COCO's json
Recipe = Mapping[str, int | str]


def write_shapes(out: Path, *, num_train: int, num_val: int, size: int, seed: int, classes: str = 'shapes') -> bool:
    """Write images ``{train,val}/*.jpg`` with three annotations of the same segments.

    - panoptic: ``panoptic_{train,val}/*.png`` and ``annotations/panoptic_{train,val}.json``, in COCO's format;
    - instance: ``annotations/instances_{train,val}.json``, in COCO's format, things only;
    - semantic: ``semantic_{train,val}/*.png`` with a palette, in mmseg's format with ``reduce_zero_label``.

    An image depends only on size, seed, split and its number: with more images, the first ones stay the same. The
    folder is created when it is complete.

    Args:
        out: Folder to create.
        num_train: Number of images of the split ``train``.
        num_val: Number of images of the split ``val``.
        size: Shorter side in pixels, at least 32.
        seed: At least 0.
        classes: Classes to draw, a key of ``CLASSES``.

    Returns:
        True if the folder was written, False if it exists with the same parameters.

    Raises:
        FileExistsError: If the folder exists with other parameters or other content.
        ValueError: If a number is out of range, or ``classes`` is unknown.
    """
    categories = find_categories(classes)
    recipe: dict[str, int | str] = {'num_train': num_train, 'num_val': num_val, 'size': size, 'seed': seed}
    if min(num_train, num_val) < 1 or size < 32 or seed < 0:
        raise ValueError(f'num_train and num_val must be at least 1, size at least 32, seed at least 0; got {recipe}')
    recipe |= {'classes': classes, 'version': VERSION}
    if is_written(out, recipe):
        return False
    with replacing(out, unique=True) as folder:
        for split, count in zip(SPLITS, (num_train, num_val), strict=True):
            _write_split(folder, split, categories, count=count, size=size, seed=seed)
        write_recipe(folder, recipe)
    return True


def write_recipe(folder: Path, recipe: Recipe) -> None:
    """Write with what parameters a folder was made."""
    (folder / RECIPE_FILE).write_text(json.dumps(recipe, indent=1))


def is_written(out: Path, recipe: Recipe) -> bool:
    """Whether there is a folder of these parameters.

    Raises:
        FileExistsError: If it exists with other parameters or other content.
    """
    if not out.exists():
        return False
    file = out / RECIPE_FILE
    found = json.loads(file.read_text()) if file.is_file() else None
    if found != recipe:
        raise FileExistsError(
            f'{out} exists with other content (parameters {found}, expected {dict(recipe)}): remove it, or choose '
            'another folder'
        )
    return True


def _write_split(
    folder: Path, split: str, categories: Sequence[Category], *, count: int, size: int, seed: int
) -> None:
    for name in (split, f'panoptic_{split}', f'semantic_{split}', 'annotations'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write = partial(_write_scene, folder, split, categories, size, seed)
    with ProcessPoolExecutor() as pool:
        scenes = pool.map(write, range(count), chunksize=16)
        entries = list(track(scenes, f'shapes {split}', total=count, console=Console(stderr=True)))
    images = [image for image, _, _ in entries]
    instances = [
        {'id': number, **instance}
        for number, instance in enumerate((instance for *_, found in entries for instance in found), start=1)
    ]
    annotations = {'panoptic': [panoptic for _, panoptic, _ in entries], 'instances': instances}
    for annotation, found in annotations.items():
        content = {
            'images': images,
            'annotations': found,
            'categories': category_entries(
                [category for category in categories if category.isthing or annotation == 'panoptic']
            ),
        }
        (folder / 'annotations' / f'{annotation}_{split}.json').write_text(json.dumps(content))


def _write_scene(
    folder: Path, split: str, categories: Sequence[Category], size: int, seed: int, index: int
) -> tuple[dict, dict, list[dict]]:
    """Draw and write a scene; return the json entries of its image, panoptic annotation and instances."""
    scene = draw_scene(np.random.default_rng([seed, SPLITS.index(split), index]), size, categories)
    image_id, stem = index + 1, f'{index + 1:06d}'
    write_image(folder / split / f'{stem}.jpg', scene.image[..., ::-1].astype(np.uint8))
    write_image(folder / f'panoptic_{split}' / f'{stem}.png', panoptic_map(scene))
    labels = Image.fromarray(label_map(scene))
    labels.putpalette([0, 0, 0, *(value for category in categories for value in category.color)])
    labels.save(folder / f'semantic_{split}' / f'{stem}.png')
    height, width = scene.ids.shape
    image = {'id': image_id, 'file_name': f'{stem}.jpg', 'height': height, 'width': width}
    panoptic = {'image_id': image_id, 'file_name': f'{stem}.png', 'segments_info': panoptic_entries(scene)}
    return image, panoptic, [{'image_id': image_id, **instance} for instance in instance_entries(scene)]


def write_image(file: Path, image: np.ndarray) -> None:
    """Write an image, BGR, as its suffix says.

    Raises:
        OSError: If it cannot be written.
    """
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 95] if file.suffix == '.jpg' else []
    if not cv2.imwrite(str(file), image, parameters):
        raise OSError(f'cannot write {file}')


def panoptic_map(scene: Scene) -> np.ndarray:
    """The id map as in COCO's PNG files, BGR, uint8 [H, W, 3]."""
    return ids_to_colors(scene.ids, bgr=True)


def category_entries(categories: Sequence[Category]) -> list[Entry]:
    """Return the ``categories`` of a json."""
    return [asdict(category) | {'supercategory': 'shape'} for category in categories]


def panoptic_entries(scene: Scene) -> list[Entry]:
    """Return the ``segments_info`` of a scene."""
    return [{'id': segment.id, **_described(scene, segment)} for segment in scene.segments]


def instance_entries(scene: Scene) -> list[Entry]:
    """Return the things of a scene in COCO's format: polygons, or run lengths for crowds and masks with holes."""
    return [
        {'segmentation': _segmentation(scene.ids == segment.id, segment.iscrowd), **_described(scene, segment)}
        for segment in scene.segments
        if segment.category.isthing
    ]


def label_map(scene: Scene) -> np.ndarray:
    """Return the label map for mmseg with ``reduce_zero_label``: uint8 [H, W], class i is i + 1, 0 is void."""
    index_of = {category.id: index for index, category in enumerate(scene.categories)}
    labels = np.zeros(scene.ids.shape, np.uint8)
    for segment in scene.segments:
        labels[scene.ids == segment.id] = index_of[segment.category.id] + 1
    return labels


def _described(scene: Scene, segment: Segment) -> Entry:
    rows, columns = np.nonzero(scene.ids == segment.id)
    left, top = int(columns.min()), int(rows.min())
    return {
        'category_id': segment.category.id,
        'area': len(rows),
        'bbox': [left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top],
        'iscrowd': segment.iscrowd,
    }


def _segmentation(mask: np.ndarray, iscrowd: int) -> list[list[float]] | Entry:
    # at twice the size, an outline through pixel centers is a quarter of a pixel inside the mask
    twice = mask.repeat(2, axis=0).repeat(2, axis=1).astype(np.uint8)
    outlines, parents = cv2.findContours(twice, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    has_holes = (parents[0, :, 3] >= 0).any()
    polygons = [((outline + 0.5) / 2).ravel().tolist() for outline in outlines if len(outline) > 2]
    if not (has_holes or iscrowd) and polygons:
        return polygons
    code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {'size': code['size'], 'counts': code['counts'].decode()}
