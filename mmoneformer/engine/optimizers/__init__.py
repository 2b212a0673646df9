"""Which parameters learn how fast, and which steps are taken."""

from mmoneformer.engine.optimizers.finite_optim_wrapper import FiniteOptimWrapper
from mmoneformer.engine.optimizers.fully_sharded_optim_wrapper import FullyShardedOptimWrapper
from mmoneformer.engine.optimizers.parameter_groups import OneFormerOptimWrapperConstructor

__all__ = ['FiniteOptimWrapper', 'FullyShardedOptimWrapper', 'OneFormerOptimWrapperConstructor']
