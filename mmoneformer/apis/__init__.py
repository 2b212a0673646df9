"""Prediction from Python."""

from mmoneformer.apis.inferencer import OneFormerInferencer
from mmoneformer.apis.init_model import init_model

__all__ = ['OneFormerInferencer', 'init_model']
