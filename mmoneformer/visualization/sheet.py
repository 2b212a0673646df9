"""Pictures beside each other, and the sheet of an image with its results."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from mmdet.structures import DetDataSample
from PIL import Image, ImageDraw, ImageFont

from mmoneformer.visualization.drawing import result_regions
from mmoneformer.visualization.legend import INK, PAPER, class_shares, draw_legend
from mmoneformer.visualization.painting import OPACITY, paint
from mmoneformer.visualization.regions import Classes, Regions

PANEL = 640  # pixels of a panel's longer side
MARGIN = 12
TITLE = 20  # height of letters


def draw_sheet(
    image: np.ndarray, sample: DetDataSample, metainfo: Classes, tasks: Sequence[str], *, opacity: float = OPACITY
) -> np.ndarray:
    """Draw an image and its results beside each other, with the classes below; arguments as in ``draw_results``."""
    panels = {task.capitalize(): result_regions(sample, task, metainfo) for task in tasks}
    return draw_panels(image, panels, metainfo, opacity=opacity)


def draw_panels(
    image: np.ndarray,
    panels: Mapping[str, Regions],
    metainfo: Classes,
    *,
    opacity: float = OPACITY,
    names: bool = True,
) -> np.ndarray:
    """Draw an image, and beside it its regions according to several results, with the classes below.

    Args:
        image: RGB, uint8 [H, W, 3].
        panels: Regions by title; their id maps are [H, W].
        metainfo: The classes.
        opacity: Of the colors, 0 to 1.
        names: Whether to write the regions' texts on them.

    Returns:
        RGB, uint8 [H', W', 3].
    """
    small = _fit(image)
    height, width = small.shape[:2]
    pictures = {'Input': small}
    for title, regions in panels.items():  # painted at the size they are seen at, or the names would shrink with them
        painted = paint(small, regions.resized(width, height), opacity, names=names)
        pictures[title] = np.concatenate([painted, draw_legend(class_shares(regions, metainfo), width)])
    return side_by_side(pictures)


def side_by_side(panels: Mapping[str, np.ndarray]) -> np.ndarray:
    """Put pictures in a row, a title above each.

    Args:
        panels: Pictures by title: RGB, uint8 [H, W, 3].

    Returns:
        RGB, uint8 [H', W', 3].
    """
    pictures = list(panels.values())
    height = max(picture.shape[0] for picture in pictures)
    width = sum(picture.shape[1] + MARGIN for picture in pictures) + MARGIN
    top = 2 * MARGIN + TITLE
    sheet = Image.new('RGB', (width, top + height + MARGIN), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(TITLE)
    left = MARGIN
    for title, picture in zip(panels, pictures, strict=True):
        draw.text((left + picture.shape[1] / 2, top / 2), title, INK, font, anchor='mm')
        sheet.paste(Image.fromarray(picture), (left, top))
        left += picture.shape[1] + MARGIN
    return np.asarray(sheet).copy()


def _fit(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    scale = PANEL / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
