"""Which parameters learn how fast."""

from mmoneformer.optim.parameter_groups import OneFormerOptimWrapperConstructor

__all__ = ['OneFormerOptimWrapperConstructor']
