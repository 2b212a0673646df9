"""The sheet of an image: the image and its results side by side, each with a legend of its classes."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from mmoneformer_deploy.colors import Color
from mmoneformer_deploy.result_dicts import Classes, ResultDict
from mmoneformer_drawing.fonts import Font, default_font
from mmoneformer_drawing.painting import OPACITY, paint
from mmoneformer_drawing.reduced import reduce_results
from mmoneformer_drawing.regions import REGIONS, SHOWN_SCORE, Regions, ResultRegions

PANEL = 640  # pixels of a panel's longer side
MARGIN = 12
TITLE = 20  # font size of titles
COLUMNS, ROWS = 3, 5  # of a legend
LETTER = 15  # font size of legends
LINE = 22  # height of a row of a legend
CHIP = 13  # side of a color's square
PAPER, INK, FAINT = (255, 255, 255), (40, 40, 40), (130, 130, 130)


def draw_sheet(
    image: np.ndarray,
    results: ResultDict,
    classes: Classes,
    regions: Mapping[str, ResultRegions] = REGIONS,
    *,
    opacity: float = OPACITY,
) -> np.ndarray:
    """Draw an image and its results side by side, with legends.

    Args:
        image: RGB, uint8 [H, W, 3].
        results: Results by task, see ``mmoneformer_deploy.result_dicts``; of any size, if the image is reduced.
        classes: The classes.
        regions: What is drawn of the result of each task.
        opacity: Opacity of the colors, 0 to 1.

    Returns:
        RGB, uint8 [H', W', 3].
    """
    size = (image.shape[0], image.shape[1])
    small = reduce_results(results, size)
    panels = {task.capitalize(): regions[task](small[task], size, classes, SHOWN_SCORE) for task in small}
    return draw_panels(image, panels, classes, opacity=opacity)


def draw_panels(
    image: np.ndarray,
    panels: Mapping[str, Regions],
    classes: Classes,
    *,
    opacity: float = OPACITY,
    names: bool = True,
) -> np.ndarray:
    """Draw an image and its regions in several results side by side, with legends.

    Args:
        image: RGB, uint8 [H, W, 3].
        panels: Regions by title, with id maps [H, W].
        classes: The classes.
        opacity: Opacity of the colors, 0 to 1.
        names: Whether to write the texts of the regions.

    Returns:
        RGB, uint8 [H', W', 3].
    """
    small = _fit(image)
    height, width = small.shape[:2]
    images = {'Input': small}
    for title, regions in panels.items():  # painted after resizing, so that names keep their size
        painted = paint(small, regions.resized(width, height), opacity, names=names)
        images[title] = np.concatenate([painted, draw_legend(class_shares(regions, classes), width)])
    return side_by_side(images)


def side_by_side(panels: Mapping[str, np.ndarray]) -> np.ndarray:
    """Put images in a row, with a title above each.

    Args:
        panels: Images by title: RGB, uint8 [H, W, 3].

    Returns:
        RGB, uint8 [H', W', 3].
    """
    height = max(image.shape[0] for image in panels.values())
    width = sum(image.shape[1] + MARGIN for image in panels.values()) + MARGIN
    top = 2 * MARGIN + TITLE
    sheet = Image.new('RGB', (width, top + height + MARGIN), PAPER)
    draw, font = ImageDraw.Draw(sheet), default_font(TITLE)
    left = MARGIN
    for title, image in panels.items():
        draw.text((left + image.shape[1] / 2, top / 2), title, INK, font, anchor='mm')
        sheet.paste(Image.fromarray(image), (left, top))
        left += image.shape[1] + MARGIN
    return np.asarray(sheet).copy()


def _fit(image: np.ndarray) -> np.ndarray:
    """Resize an image to the size of a panel."""
    height, width = image.shape[:2]
    scale = PANEL / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


class ClassShare(NamedTuple):
    """Extent of a class in an image.

    Attributes:
        name: Name of the class.
        color: Its color in the palette, RGB, 0 to 255.
        number: Number of its regions.
        share: Its share of the image's pixels, 0 to 1.
    """

    name: str
    color: Color
    number: int
    share: float


def class_shares(regions: Regions, classes: Classes) -> list[ClassShare]:
    """Count the visible regions and pixels of each class, sorted by area, largest first."""
    number, area = Counter[int](), Counter[int]()
    for label, pixels in zip(regions.labels, regions.areas(), strict=True):
        number[label] += pixels > 0
        area[label] += pixels
    names, palette = classes['classes'], classes['palette']
    return [
        ClassShare(names[label], tuple(palette[label]), number[label], pixels / regions.id_map.size)
        for label, pixels in area.most_common()
        if pixels
    ]


def draw_legend(shares: list[ClassShare], width: int) -> np.ndarray:
    """Draw a table of classes, column by column.

    Args:
        shares: The classes; if there are too many, only the number of the last ones is given.
        width: Width of the legend in pixels.

    Returns:
        RGB, uint8 [H, ``width``, 3]; H is the same for all legends.
    """
    legend = Image.new('RGB', (width, ROWS * LINE), PAPER)
    draw, font = ImageDraw.Draw(legend), default_font(LETTER)
    capacity = COLUMNS * ROWS
    shown = shares if len(shares) <= capacity else shares[: capacity - 1]
    for index, share in enumerate(shown):
        _draw_entry(draw, font, share, _position(index, width), width // COLUMNS)
    if len(shown) < len(shares):
        left, middle = _position(capacity - 1, width)
        draw.text((left, middle), f'and {len(shares) - len(shown)} more', FAINT, font, anchor='lm')
    return np.asarray(legend).copy()


def _position(index: int, width: int) -> tuple[int, int]:
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
    max_width = right - draw.textlength(numbers, font) - 6 - text_left
    draw.text((text_left, middle), _shortened(share.name, draw, font, max_width), INK, font, anchor='lm')


def _shortened(text: str, draw: ImageDraw.ImageDraw, font: Font, max_width: float) -> str:
    if draw.textlength(text, font) <= max_width:
        return text
    while text and draw.textlength(text + '...', font) > max_width:
        text = text[:-1]
    return text + '...'
