"""Drawings of results."""

from mmoneformer.visualization.drawing import (
    draw_instance,
    draw_panoptic,
    draw_results,
    draw_semantic,
    draw_sheet,
    sheet_drawer,
)
from mmoneformer_drawing.sheet import side_by_side

__all__ = [
    'draw_instance',
    'draw_panoptic',
    'draw_results',
    'draw_semantic',
    'draw_sheet',
    'sheet_drawer',
    'side_by_side',
]
