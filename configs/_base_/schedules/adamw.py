# The optimizer of all released models, and the loops that are not of a schedule
optim_wrapper = dict(
    type='FiniteOptimWrapper',
    constructor='OneFormerOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05, fused=True),
    paramwise_cfg=dict(backbone_lr_mult=0.1),
    clip_grad=dict(max_norm=0.01, norm_type=2),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)  # enable=True: the learning rate follows the batch size
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
