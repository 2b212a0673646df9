"""How several processes share the model, for mmengine's ``FlexibleRunner``."""

from mmoneformer.engine.strategies.fully_sharded import FullyShardedStrategy

__all__ = ['FullyShardedStrategy']
