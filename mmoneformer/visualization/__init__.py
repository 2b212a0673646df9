"""Drawings of results."""

from mmoneformer.visualization.drawing import draw_instance, draw_panoptic, draw_results, draw_semantic
from mmoneformer.visualization.sheet import draw_sheet, side_by_side
from mmoneformer.visualization.visualizer import OneFormerVisualizer

__all__ = [
    'OneFormerVisualizer',
    'draw_instance',
    'draw_panoptic',
    'draw_results',
    'draw_semantic',
    'draw_sheet',
    'side_by_side',
]
