"""The results as HTML: a card for each task, with its picture and a table of its segments."""

import base64
from collections.abc import Iterable
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from mmoneformer.structures.panoptic_ids import ids_to_colors
from mmoneformer.visualization.regions import Color
from mmoneformer.web.task_view import Segment, TaskView

MAX_ROWS = 200  # of a table; more segments than these nobody reads


def make_cards(views: Iterable[TaskView]) -> str:
    """Make the cards, HTML; ``page.css`` and ``cards.js`` make them look and move."""
    return f'<div class="cards">{"".join(map(_card, views))}</div>'


def _card(view: TaskView) -> str:
    title = f'<figcaption><b>{view.task.capitalize()}</b> {_count(view)}</figcaption>'
    layers = ''.join(
        (
            _layer('clear', view.clear, 'WEBP', quality=88),
            _layer('filled', view.filled, 'WEBP', quality=88),
            _layer('ids', ids_to_colors(view.id_map), 'PNG', compress_level=1),
        )
    )
    picture = f'<div class="picture">{layers}<canvas></canvas><output></output></div>'
    largest_first = sorted(enumerate(view.segments, start=1), key=lambda row: -row[1].share)
    rows = ''.join(_row(*row) for row in largest_first[:MAX_ROWS])
    table = f'<div class="segments"><table><tbody>{rows}</tbody></table></div>'
    return f'<figure class="card" data-task="{view.task}">{title}{picture}{table}</figure>'


def _count(view: TaskView) -> str:
    what = 'class' if view.task == 'semantic' else 'segment'
    plural = {'class': 'classes', 'segment': 'segments'}[what]
    return f'{len(view.segments)} {what if len(view.segments) == 1 else plural}'


def _layer(name: str, picture: np.ndarray, kind: str, **settings: Any) -> str:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, kind, **settings)
    code = base64.b64encode(buffer.getvalue()).decode()
    return f'<img class="{name}" alt="" src="data:image/{kind.lower()};base64,{code}">'


def _row(number: int, segment: Segment) -> str:
    """A table's row; the script finds it by its number, and writes its ``data-text`` beside the pointer."""
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
