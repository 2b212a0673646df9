"""Drawing of results with Pillow: an image next to its results, in translucent colors, with the names of the classes.

``mmoneformer.visualization`` has more: names on the segments, shares of classes, smooth borders of enlarged regions.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmoneformer_deploy.colors import region_colors
from mmoneformer_deploy.result_dicts import Classes, ResultDict, labels_in
from mmoneformer_deploy.run_lengths import decode_mask

PANEL = 640  # pixels of a panel's longer side
OPACITY = 0.55
SHOWN_SCORE = 0.5  # instances with a lower score are not drawn: many overlap better ones
MARGIN, LINE, LETTER = 12, 22, 15  # of a sheet, in pixels; the last two are of its texts
PAPER, INK = (255, 255, 255), (40, 40, 40)

Size = tuple[int, int]


class Regions(NamedTuple):
    """N regions of an image that do not overlap.

    Attributes:
        id_map: n + 1 in region n, 0 where there is none, int [H, W].
        labels: Class index of each.
    """

    id_map: np.ndarray
    labels: Sequence[int]


def draw_sheet(image: np.ndarray, results: ResultDict, classes: Classes) -> np.ndarray:
    """Draw an image and its results side by side.

    Args:
        image: RGB, uint8 [H, W, 3].
        results: Results by task, see ``result_dicts``.
        classes: The classes.

    Returns:
        RGB, uint8 [H', W', 3].
    """
    scale = PANEL / max(image.shape[:2])
    width, height = (max(1, round(side * scale)) for side in (image.shape[1], image.shape[0]))
    small = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
    sheet = Image.new('RGB', (MARGIN + (len(results) + 1) * (width + MARGIN), height + 6 * LINE), PAPER)
    panels = {'Input': small}
    for number, (task, result) in enumerate(results.items(), start=1):
        regions = REGIONS[task](result, (image.shape[0], image.shape[1]))
        rows = np.arange(height) * image.shape[0] // height
        columns = np.arange(width) * image.shape[1] // width
        panels[task.capitalize()] = paint(small, regions._replace(id_map=regions.id_map[rows][:, columns]), classes)
        _write_names(sheet, regions, classes, (MARGIN + number * (width + MARGIN), height + LINE), width)
    for number, (title, panel) in enumerate(panels.items()):
        left = MARGIN + number * (width + MARGIN)
        sheet.paste(Image.fromarray(panel), (left, LINE))
        ImageDraw.Draw(sheet).text((left + width / 2, LINE / 2), title, INK, _font(), anchor='mm')
    return np.asarray(sheet)


def paint(image: np.ndarray, regions: Regions, classes: Classes) -> np.ndarray:
    """Paint regions on an image, with their contours.

    Args:
        image: RGB, uint8 [H, W, 3].
        regions: Regions with an id map [H, W].
        classes: The classes.

    Returns:
        RGB, uint8 [H, W, 3].
    """
    colors = np.array([(0, 0, 0), *region_colors(regions.labels, classes['palette'])], np.uint8)[regions.id_map]
    mixed = np.rint(image * (1 - OPACITY) + colors * OPACITY).astype(np.uint8)
    painted = np.where((regions.id_map > 0)[..., None], mixed, image)
    line = _contours(regions.id_map)
    painted[line] = colors[line] // 2 + 127
    return painted


def _contours(id_map: np.ndarray) -> np.ndarray:
    """Pixels of regions beside another region or the background, bool [H, W]."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(id_map, 1, mode='edge'), (3, 3))
    return (around != id_map[..., None, None]).any((2, 3)) & (id_map > 0)


def _write_names(sheet: Image.Image, regions: Regions, classes: Classes, corner: tuple[int, int], width: int) -> None:
    """Write the names of the classes below a panel, in the order of their areas, as many as there is space for."""
    draw, (left, top) = ImageDraw.Draw(sheet), corner
    areas = np.bincount(regions.id_map.ravel(), minlength=len(regions.labels) + 1)[1:]
    by_class = np.bincount(regions.labels, areas, len(classes['classes']))
    x, y = left, top
    for label in np.argsort(-by_class, kind='stable')[: np.count_nonzero(by_class)].tolist():
        text = classes['classes'][label]
        length = 2 * LETTER + round(draw.textlength(text, _font()))
        if x + length > left + width and x > left:
            x, y = left, y + LINE
        if y + LINE > sheet.height:
            return
        draw.rectangle((x, y + 4, x + LETTER - 4, y + LETTER), fill=tuple(classes['palette'][label]))
        draw.text((x + LETTER, y + LINE / 2 - 1), text, INK, _font(), anchor='lm')
        x += length


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(LETTER)


def _panoptic_regions(result: ResultDict, size: Size) -> Regions:
    return Regions(result['id_map'], [segment['label'] for segment in result['segments']])


def _instance_regions(result: ResultDict, size: Size) -> Regions:
    """Where instances overlap, the one with the higher score is drawn."""
    shown = sum(score >= SHOWN_SCORE for score in result['scores'])
    id_map = np.zeros(size, int)
    for number in range(shown, 0, -1):
        id_map[decode_mask(result['masks'][number - 1])] = number
    return Regions(id_map, result['labels'][:shown])


def _semantic_regions(result: ResultDict, size: Size) -> Regions:
    labels = labels_in(result['label_map'])
    number = np.zeros(256, int)
    number[labels] = np.arange(1, len(labels) + 1)
    return Regions(number[result['label_map']], labels)


REGIONS: dict[str, Callable[[ResultDict, Size], Regions]] = {
    'panoptic': _panoptic_regions,
    'instance': _instance_regions,
    'semantic': _semantic_regions,
}
