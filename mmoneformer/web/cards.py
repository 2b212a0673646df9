"""The results as HTML: a card for each task, with its drawing and a table of its segments."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image

from mmoneformer.structures.panoptic_ids import ids_to_colors
from mmoneformer.tasks import TASKS
from mmoneformer.visualization.regions import Classes, result_regions
from mmoneformer_deploy.colors import Color
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_drawing.painting import paint

LONGEST_SIDE = 1280  # of the images sent to the browser, in pixels
MAX_ROWS = 200  # of a table


class Segment(NamedTuple):
    """A row of a card's table.

    Attributes:
        name: Name of the class.
        color: RGB, 0 to 255.
        share: Share of the image's pixels, 0 to 1.
        score: 0 to 1; None if the task has no scores.
    """

    name: str
    color: Color
    share: float
    score: float | None


class TaskView(NamedTuple):
    """The result of a task, as a card shows it.

    The page blends ``clear`` and ``filled`` to show any opacity.

    Attributes:
        task: Name of the task.
        clear: The image with contours and names, RGB, uint8 [H', W', 3].
        filled: The same with opaque colors.
        id_map: n + 1 in segment n, 0 where there is no segment; uint16 [H, W].
        segments: The segments.
    """

    task: str
    clear: np.ndarray
    filled: np.ndarray
    id_map: np.ndarray
    segments: list[Segment]


def view_task(image: np.ndarray, results: ResultDict, task: str, metainfo: Classes) -> TaskView:
    """Draw the result of a task.

    Args:
        image: RGB, uint8 [H, W, 3].
        results: Results by task, see ``as_dict``.
        task: Name of the task.
        metainfo: The classes.
    """
    regions = result_regions(results, task, (image.shape[0], image.shape[1]), metainfo)
    names = [metainfo['classes'][label] for label in regions.labels]
    shares = [area / regions.id_map.size for area in regions.areas()]
    scores: Sequence[float | None] = regions.scores or [None] * len(names)
    segments = [Segment(*row) for row in zip(names, regions.colors, shares, scores, strict=True)]
    image = _shrink(image)
    regions = regions.resized(image.shape[1], image.shape[0])
    return TaskView(task, paint(image, regions, 0), paint(image, regions, 1), regions.id_map, segments)


def make_cards(views: Iterable[TaskView]) -> str:
    """Make the HTML of the cards, which ``page.css`` styles and ``cards.js`` makes interactive."""
    return f'<div class="cards">{"".join(map(_card, views))}</div>'


def _shrink(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    scale = LONGEST_SIDE / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _card(view: TaskView) -> str:
    title = f'<figcaption><b>{view.task.capitalize()}</b> {_count(view)}</figcaption>'
    layers = ''.join(
        (
            _layer('clear', view.clear, 'WEBP', quality=88),
            _layer('filled', view.filled, 'WEBP', quality=88),
            _layer('ids', ids_to_colors(view.id_map), 'PNG', compress_level=1),
        )
    )
    drawing = f'<div class="drawing">{layers}<canvas></canvas><output></output></div>'
    largest_first = sorted(enumerate(view.segments, start=1), key=lambda row: -row[1].share)
    rows = ''.join(_row(*row) for row in largest_first[:MAX_ROWS])
    table = f'<div class="segments"><table><tbody>{rows}</tbody></table></div>'
    return f'<figure class="card" data-task="{view.task}">{title}{drawing}{table}</figure>'


def _count(view: TaskView) -> str:
    one, many = ('class', 'classes') if TASKS[view.task].merges_classes else ('segment', 'segments')
    return f'{len(view.segments)} {one if len(view.segments) == 1 else many}'


def _layer(name: str, image: np.ndarray, kind: str, **settings: Any) -> str:
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, kind, **settings)
    code = base64.b64encode(buffer.getvalue()).decode()
    return f'<img class="{name}" alt="" src="data:image/{kind.lower()};base64,{code}">'


def _row(number: int, segment: Segment) -> str:
    """A row of the table; the script finds it by its number and shows its ``data-text`` next to the pointer."""
    share = '< 0.1%' if segment.share < 0.001 else f'{segment.share:.1%}'
    score = '' if segment.score is None else f'{segment.score:.2f}'
    text = f'{segment.name}, {f"score {score}, " if score else ""}{share} of the image'
    return (
        f'<tr data-number="{number}" data-text="{escape(text)}"><td>{_chip(segment.color)}{escape(segment.name)}</td>'
        f'<td>{score}</td><td>{escape(share)}</td></tr>'
    )


def _chip(color: Color) -> str:
    red, green, blue = color
    return f'<i style="background: rgb({red}, {green}, {blue})"></i>'
