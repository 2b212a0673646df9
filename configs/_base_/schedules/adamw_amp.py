# In mixed precision
_base_ = 'adamw.py'

optim_wrapper = dict(type='AmpOptimWrapper')
