# Weights, gradients and optimizer state split among the processes (docs/large_models.md)
_base_ = 'oneformer_convnext-xl_ade20k.py'

runner_type = 'FlexibleRunner'
strategy = dict(type='mmoneformer.FullyShardedStrategy')
optim_wrapper = dict(type='FullyShardedOptimWrapper', dtype='bfloat16')
