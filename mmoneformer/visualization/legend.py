"""Which classes a picture shows: color, name, how many, how large."""

from collections import Counter
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmoneformer.visualization.labels import Font
from mmoneformer.visualization.regions import Classes, Color, Regions

COLUMNS, ROWS = 3, 5  # of the entries
LETTER = 15
LINE = 22  # height of a row
CHIP = 13  # side of the color's square
PAPER, INK, FAINT = (255, 255, 255), (40, 40, 40), (130, 130, 130)


class ClassShare(NamedTuple):
    """A class in a picture.

    Attributes:
        name: Of the class.
        color: RGB, 0 to 255, of the palette.
        number: Of its regions.
        share: Of the image's pixels, 0 to 1.
    """

    name: str
    color: Color
    number: int
    share: float


def class_shares(regions: Regions, metainfo: Classes) -> list[ClassShare]:
    """Count the regions that are seen, and the area, of each class, the largest first."""
    number, area = Counter[int](), Counter[int]()
    for label, pixels in zip(regions.labels, regions.areas(), strict=True):
        number[label] += pixels > 0
        area[label] += pixels
    classes, palette = metainfo['classes'], metainfo['palette']
    return [
        ClassShare(classes[label], tuple(palette[label]), number[label], pixels / regions.id_map.size)
        for label, pixels in area.most_common()
        if pixels
    ]


def draw_legend(shares: list[ClassShare], width: int) -> np.ndarray:
    """Draw a table of classes, column by column.

    Args:
        shares: The classes; the last ones are counted only, if there are too many.
        width: Of the picture, in pixels.

    Returns:
        RGB, uint8 [H, ``width``, 3]; the height is the same for every legend.
    """
    picture = Image.new('RGB', (width, ROWS * LINE), PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(LETTER)
    cells = COLUMNS * ROWS
    shown = shares if len(shares) <= cells else shares[: cells - 1]
    for index, share in enumerate(shown):
        _draw_entry(draw, font, share, _cell(index, width), width // COLUMNS)
    if len(shown) < len(shares):
        left, middle = _cell(cells - 1, width)
        draw.text((left, middle), f'and {len(shares) - len(shown)} more', FAINT, font, anchor='lm')
    return np.asarray(picture).copy()


def _cell(index: int, width: int) -> tuple[int, int]:
    """Left side and vertical middle of an entry."""
    column, row = divmod(index, ROWS)
    return column * (width // COLUMNS), row * LINE + LINE // 2


def _draw_entry(draw: ImageDraw.ImageDraw, font: Font, share: ClassShare, at: tuple[int, int], width: int) -> None:
    left, middle = at
    top = middle - CHIP // 2
    draw.rounded_rectangle((left, top, left + CHIP, top + CHIP), radius=3, fill=share.color)
    numbers = f'x {share.number}   {share.share:.1%}' if share.number > 1 else f'{share.share:.1%}'
    right = left + width - LETTER
    draw.text((right, middle), numbers, FAINT, font, anchor='rm')
    text_left = left + CHIP + 6
    room = right - draw.textlength(numbers, font) - 6 - text_left
    draw.text((text_left, middle), _shortened(share.name, draw, font, room), INK, font, anchor='lm')


def _shortened(text: str, draw: ImageDraw.ImageDraw, font: Font, room: float) -> str:
    if draw.textlength(text, font) <= room:
        return text
    while text and draw.textlength(text + '...', font) > room:
        text = text[:-1]
    return text + '...'
