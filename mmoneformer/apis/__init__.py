"""Prediction from Python, and export."""

from mmoneformer.apis.export import export
from mmoneformer.apis.inferencer import OneFormerInferencer
from mmoneformer.apis.init_model import init_model
from mmoneformer.apis.ray_predictor import RayPredictor

__all__ = ['OneFormerInferencer', 'RayPredictor', 'export', 'init_model']
