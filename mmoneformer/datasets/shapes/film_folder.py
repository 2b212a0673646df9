"""Writes films of the shapes data set: frames, videos, and a panoptic annotation with ids that stay."""

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from mmoneformer.datasets.shapes.classes import Category, find_categories
from mmoneformer.datasets.shapes.films import LENGTH, RATE, VERSION, draw_film
from mmoneformer.datasets.shapes.folder import (
    Entry,
    Recipe,
    category_entries,
    is_written,
    panoptic_entries,
    panoptic_map,
    write_image,
    write_recipe,
)
from mmoneformer.video_files import VideoFile
from mmoneformer_deploy.atomic_files import replacing

FILMS, MAPS, ANNOTATION = 'films', 'panoptic_films', 'annotations/panoptic_films.json'


def write_films(out: Path, *, num_films: int, size: int, seed: int, classes: str = 'shapes') -> bool:
    """Write films and their annotation.

    - ``films/000001/*.jpg``: the frames, and ``films/000001.mp4``: the same as a video;
    - ``panoptic_films/000001/*.png`` and ``annotations/panoptic_films.json``: the annotation of each frame in COCO's
      format, in which a segment has the same id in all frames of its film. ``videos`` lists the films; each image has
      ``video_id`` and ``frame_id``, its number from 0.

    A film depends only on size, seed and its number. The folder is created when it is complete.

    Args:
        out: Folder to create.
        num_films: Number of films.
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
    if num_films < 1 or size < 32 or seed < 0:
        raise ValueError(
            f'the number of films must be at least 1, size at least 32, seed at least 0; got {num_films}, {size}, '
            f'{seed}'
        )
    recipe: Recipe = {'num_films': num_films, 'size': size, 'seed': seed, 'classes': classes, 'version': VERSION}
    if is_written(out, recipe):
        return False
    with replacing(out, unique=True) as folder, ProcessPoolExecutor() as pool:
        write = partial(_write_film, folder, categories, size, seed)
        films = pool.map(write, range(num_films))
        entries = list(track(films, 'films', total=num_films, console=Console(stderr=True)))
        content = {
            'videos': [video for video, _, _ in entries],
            'images': list(chain.from_iterable(images for _, images, _ in entries)),
            'annotations': list(chain.from_iterable(annotations for *_, annotations in entries)),
            'categories': category_entries(categories),
        }
        (folder / ANNOTATION).parent.mkdir()
        (folder / ANNOTATION).write_text(json.dumps(content))
        write_recipe(folder, recipe)
    return True


def _write_film(
    folder: Path, categories: Sequence[Category], size: int, seed: int, index: int
) -> tuple[Entry, list[Entry], list[Entry]]:
    """Draw and write a film; return the json entries of the film, of its images and of their annotations."""
    name, first_id = f'{index + 1:06d}', index * LENGTH + 1
    for part in (FILMS, MAPS):
        (folder / part / name).mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    with VideoFile(folder / FILMS / f'{name}.mp4', RATE) as file:
        for frame, scene in enumerate(draw_film(np.random.default_rng([seed, index]), size, categories)):
            stem = f'{name}/{frame + 1:06d}'
            image = scene.image.astype(np.uint8)
            file.write(image)
            write_image(folder / FILMS / f'{stem}.jpg', image[..., ::-1])
            write_image(folder / MAPS / f'{stem}.png', panoptic_map(scene))
            of_image = {'image_id': first_id + frame, 'file_name': f'{stem}.png'}
            annotations.append(of_image | {'segments_info': panoptic_entries(scene)})
            height, width = scene.ids.shape
            images.append(
                {
                    'id': first_id + frame,
                    'file_name': f'{stem}.jpg',
                    'height': height,
                    'width': width,
                    'video_id': index + 1,
                    'frame_id': frame,
                }
            )
    return {'id': index + 1, 'name': name, 'file_name': f'{name}.mp4', 'length': LENGTH}, images, annotations
