# The demo's model: small enough to train from nothing on two CPU cores
_base_ = [
    '_base_/models/oneformer_r50.py',
    '_base_/datasets/shapes.py',
    '_base_/schedules/adamw.py',
    '_base_/default_runtime.py',
]

max_iters = 800
model = dict(
    **_base_.model_settings,
    backbone=dict(
        depth=18,
        stem_channels=32,
        base_channels=32,
        norm_cfg=dict(requires_grad=True),
        norm_eval=False,
        init_cfg=None,
    ),
    panoptic_head=dict(
        num_queries=30,
        channels=64,
        pixel_decoder=dict(num_layers=1, feedforward_channels=256, dropout=0.0),
        query_initializer=dict(feedforward_channels=256, dropout=0.0),
        masked_decoder=dict(num_layers=3, feedforward_channels=256),
        text_mapper=dict(encoder=dict(width=64, num_layers=2), num_context=6),
        set_loss=dict(type='MaskSetLoss', num_points=512),
    ),
    test_cfg=dict(object_mask_thr=0.5),
)
optim_wrapper = dict(
    optimizer=dict(lr=1.4e-3, betas=(0.9, 0.98)),  # in so few steps, the mean of 1000 squared gradients comes too late
    paramwise_cfg=dict(backbone_lr_mult=1.0),
    clip_grad=dict(max_norm=1.0),
)
auto_scale_lr = dict(base_batch_size=4)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=50, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0, begin=50, end=max_iters, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters)
