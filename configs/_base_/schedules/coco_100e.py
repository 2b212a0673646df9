_base_ = 'adamw.py'

max_iters = 737500  # 100 epochs of 118k images in batches of 16
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, begin=0, end=10, by_epoch=False),
    dict(type='MultiStepLR', milestones=[655556, 735184], gamma=0.1, begin=0, end=max_iters, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=5000)
