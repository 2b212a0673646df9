"""Hooks of training, validation and testing."""

from mmoneformer.engine.hooks.check_finite import CheckFiniteHook
from mmoneformer.engine.hooks.check_validation import CheckValidationHook
from mmoneformer.engine.hooks.exact_resume import ExactResumeHook
from mmoneformer.engine.hooks.fine_tuning import FineTuningHook
from mmoneformer.engine.hooks.safe_checkpoint import SafeCheckpointHook
from mmoneformer.engine.hooks.visualization import OneFormerVisualizationHook

__all__ = [
    'CheckFiniteHook',
    'CheckValidationHook',
    'ExactResumeHook',
    'FineTuningHook',
    'OneFormerVisualizationHook',
    'SafeCheckpointHook',
]
