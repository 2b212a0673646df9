"""What happens beside training and testing."""

from mmoneformer.engine.hooks.check_finite import CheckFiniteHook
from mmoneformer.engine.hooks.exact_resume import ExactResumeHook
from mmoneformer.engine.hooks.fine_tuning import FineTuningHook
from mmoneformer.engine.hooks.result_pictures import ResultPicturesHook
from mmoneformer.engine.hooks.safe_checkpoint import SafeCheckpointHook
from mmoneformer.engine.hooks.validation_pictures import ValidationPicturesHook

__all__ = [
    'ExactResumeHook',
    'FineTuningHook',
    'CheckFiniteHook',
    'ResultPicturesHook',
    'SafeCheckpointHook',
    'ValidationPicturesHook',
]
