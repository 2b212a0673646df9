"""Parameter groups and optimizer steps."""

from mmoneformer.engine.optimizers.finite_optim_wrapper import FiniteOptimWrapper, FullyShardedOptimWrapper
from mmoneformer.engine.optimizers.parameter_groups import OneFormerOptimWrapperConstructor

__all__ = ['FiniteOptimWrapper', 'FullyShardedOptimWrapper', 'OneFormerOptimWrapperConstructor']
