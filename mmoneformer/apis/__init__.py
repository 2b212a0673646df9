"""Prediction from Python, and export."""

from mmoneformer.apis.export import export
from mmoneformer.apis.inferencer import OneFormerInferencer
from mmoneformer.apis.init_model import init_model

__all__ = ['OneFormerInferencer', 'export', 'init_model']
