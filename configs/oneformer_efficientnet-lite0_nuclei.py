_base_ = [
    '_base_/models/oneformer_efficientnet-lite0.py',
    '_base_/datasets/nuclei.py',
    '_base_/schedules/adamw.py',
    '_base_/default_runtime.py',
]

max_iters = 1400
model = dict(**_base_.model_settings, panoptic_head=dict(num_queries=40))
optim_wrapper = dict(optimizer=dict(lr=1e-3), paramwise_cfg=dict(backbone_lr_mult=0.2), clip_grad=dict(max_norm=1.0))
auto_scale_lr = dict(base_batch_size=16)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=100, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0, begin=100, end=max_iters, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=1000)
default_hooks = dict(checkpoint=dict(interval=250, save_best='AP'))
