"""Writes the shapes data set as COCO-panoptic folders."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from mmoneformer.datasets.shapes import CATEGORIES, VERSION, Scene, draw_scene

RECIPE_FILE = 'recipe.json'
SPLITS = ('train', 'val')


def write_shapes(out: Path, *, num_train: int, num_val: int, size: int, seed: int) -> bool:
    """Write ``{train,val}/*.jpg``, ``panoptic_{train,val}/*.png`` and ``annotations/panoptic_{train,val}.json``.

    An image depends on size, seed, split and its number alone: more images do not change the first ones. The folder
    appears when it is complete, never before.

    Args:
        out: Folder to make.
        num_train: Images of the split ``train``.
        num_val: Images of the split ``val``.
        size: Shorter side in pixels, at least 32.
        seed: At least 0.

    Returns:
        Whether the folder was written; False if it was there, made by the same recipe.

    Raises:
        FileExistsError: If the folder exists and was not made by the same recipe.
        ValueError: If a number is out of its range.
    """
    recipe = {'num_train': num_train, 'num_val': num_val, 'size': size, 'seed': seed}
    if min(num_train, num_val) < 1 or size < 32 or seed < 0:
        raise ValueError(f'needs at least 1 image per split, size 32 and seed 0, got {recipe}')
    recipe['version'] = VERSION
    if out.exists():
        _check_same(out, recipe)
        return False
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix='.shapes-', dir=out.parent) as temporary:
        folder = Path(temporary, 'shapes')
        for split, count in zip(SPLITS, (num_train, num_val), strict=True):
            _write_split(folder, split, count=count, size=size, seed=seed)
        (folder / RECIPE_FILE).write_text(json.dumps(recipe, indent=1))
        os.rename(folder, out)
    return True


def _check_same(out: Path, recipe: Mapping[str, int]) -> None:
    file = out / RECIPE_FILE
    found = json.loads(file.read_text()) if file.is_file() else None
    if found != recipe:
        raise FileExistsError(
            f'{out} exists and is not this data set (recipe {found}, wanted {dict(recipe)}): remove it, or choose '
            'another folder'
        )


def _write_split(folder: Path, split: str, *, count: int, size: int, seed: int) -> None:
    for name in (split, f'panoptic_{split}', 'annotations'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write = partial(_write_scene, folder, split, size, seed)
    with ProcessPoolExecutor() as pool:
        scenes = pool.map(write, range(count), chunksize=16)
        entries = list(track(scenes, f'shapes {split}', total=count, console=Console(stderr=True)))
    content = {
        'images': [image for image, _ in entries],
        'annotations': [annotation for _, annotation in entries],
        'categories': [asdict(category) | {'supercategory': 'shape'} for category in CATEGORIES],
    }
    (folder / 'annotations' / f'panoptic_{split}.json').write_text(json.dumps(content))


def _write_scene(folder: Path, split: str, size: int, seed: int, index: int) -> tuple[dict, dict]:
    """Draw and write a scene; returns its entries under ``images`` and ``annotations``."""
    scene = draw_scene(np.random.default_rng([seed, SPLITS.index(split), index]), size)
    ids = scene.ids
    blue_green_red = np.stack([ids >> 16, ids >> 8 & 255, ids & 255], axis=-1).astype(np.uint8)
    image_id, stem = index + 1, f'{index + 1:06d}'
    _write_image(folder / split / f'{stem}.jpg', scene.image[..., ::-1].astype(np.uint8))
    _write_image(folder / f'panoptic_{split}' / f'{stem}.png', blue_green_red)
    image = {'id': image_id, 'file_name': f'{stem}.jpg', 'height': ids.shape[0], 'width': ids.shape[1]}
    return image, {'image_id': image_id, 'file_name': f'{stem}.png', 'segments_info': _segments_info(scene)}


def _write_image(file: Path, image: np.ndarray) -> None:
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 95] if file.suffix == '.jpg' else []
    if not cv2.imwrite(str(file), image, parameters):
        raise OSError(f'cannot write {file}')


def _segments_info(scene: Scene) -> list[dict[str, Any]]:
    infos = []
    for segment in scene.segments:
        rows, columns = np.nonzero(scene.ids == segment.id)
        left, top = int(columns.min()), int(rows.min())
        infos.append(
            {
                'id': segment.id,
                'category_id': segment.category.id,
                'area': len(rows),
                'bbox': [left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top],
                'iscrowd': segment.iscrowd,
            }
        )
    return infos
