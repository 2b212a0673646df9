# A short training on shapes, whose steps do not depend on how its batches are shared among processes
_base_ = '../../configs/oneformer_tiny_shapes.py'

custom_imports = dict(imports=['same_points'])
custom_hooks = [dict(type='mmengine.SamePointsHook')]
model = dict(
    data_preprocessor=dict(pad_size_divisor=128),  # other images in a batch do not change its size
    backbone=dict(norm_eval=True),  # statistics of a batch are of a process's part
    panoptic_head=dict(set_loss=dict(num_points=64)),
)
# the first steps of AdamW are as long where the gradient is rounding alone
optim_wrapper = dict(optimizer=dict(_delete_=True, type='SGD', lr=0.1, momentum=0.9))
param_scheduler = []
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
train_cfg = dict(max_iters=2)
val_cfg = None
val_dataloader = None
val_evaluator = None
