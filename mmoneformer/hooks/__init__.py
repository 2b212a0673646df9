"""What happens beside training and testing."""

from mmoneformer.hooks.result_pictures import ResultPicturesHook

__all__ = ['ResultPicturesHook']
