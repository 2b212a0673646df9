"""Which parameters learn how fast, and which steps are taken."""

from mmoneformer.optim.finite_optim_wrapper import FiniteOptimWrapper
from mmoneformer.optim.fully_sharded_optim_wrapper import FullyShardedOptimWrapper
from mmoneformer.optim.parameter_groups import OneFormerOptimWrapperConstructor

__all__ = ['FiniteOptimWrapper', 'FullyShardedOptimWrapper', 'OneFormerOptimWrapperConstructor']
