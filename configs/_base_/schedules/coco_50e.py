_base_ = 'adamw_amp.py'

max_iters = 368750  # 50 epochs of 118k images in batches of 16
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, begin=0, end=10, by_epoch=False),
    dict(type='MultiStepLR', milestones=[327778, 355092], gamma=0.1, begin=0, end=max_iters, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=5000)
