"""Pictures beside each other, and the sheet of an image with its results."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from mmdet.structures import DetDataSample
from PIL import Image, ImageDraw, ImageFont

from mmoneformer.metainfo import Metainfo
from mmoneformer.visualization.drawing import draw_results

PANEL = 640  # pixels of a panel's longer side
MARGIN = 12
TITLE = 20  # height of letters
PAPER, INK = (255, 255, 255), (40, 40, 40)


def side_by_side(panels: Mapping[str, np.ndarray]) -> np.ndarray:
    """Put pictures in a row, a title above each.

    Args:
        panels: Pictures by title: RGB, uint8 [H, W, 3], all of the same proportions.

    Returns:
        RGB, uint8 [H', W', 3].
    """
    pictures = [_fit(picture) for picture in panels.values()]
    height = max(picture.shape[0] for picture in pictures)
    width = sum(picture.shape[1] + MARGIN for picture in pictures) + MARGIN
    top = 2 * MARGIN + TITLE
    sheet = Image.new('RGB', (width, top + height + MARGIN), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=TITLE)
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


def draw_sheet(image: np.ndarray, sample: DetDataSample, metainfo: Metainfo, tasks: Sequence[str]) -> np.ndarray:
    """Draw an image and its results beside each other; arguments as in ``draw_results``."""
    drawn = draw_results(image, sample, metainfo, tasks)
    return side_by_side({'Input': image} | {task.capitalize(): picture for task, picture in drawn.items()})
