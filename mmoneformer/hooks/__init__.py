"""What happens beside training and testing."""

from mmoneformer.hooks.exact_resume import ExactResumeHook
from mmoneformer.hooks.fine_tuning import FineTuningHook
from mmoneformer.hooks.finite_numbers import FiniteNumbersHook
from mmoneformer.hooks.result_pictures import ResultPicturesHook
from mmoneformer.hooks.safe_checkpoint import SafeCheckpointHook
from mmoneformer.hooks.validation_pictures import ValidationPicturesHook

__all__ = [
    'ExactResumeHook',
    'FineTuningHook',
    'FiniteNumbersHook',
    'ResultPicturesHook',
    'SafeCheckpointHook',
    'ValidationPicturesHook',
]
