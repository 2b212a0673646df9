"""Strategies of distributed training, for mmengine's ``FlexibleRunner``."""

from mmoneformer.engine.strategies.fully_sharded import FullyShardedStrategy

__all__ = ['FullyShardedStrategy']
