# ADE20K in crops of 1280 x 1280 pixels: what follows from their size
_base_ = 'ade20k.py'

crop_size = (1280, 1280)  # width, height
shorter_side = min(crop_size)
longer_side = 4 * shorter_side  # at most

train_pipeline = _base_.train_pipeline
train_pipeline[2].scales = [(longer_side, shorter_side * tenths // 10) for tenths in range(5, 21)]
train_pipeline[3].crop_size = crop_size
train_pipeline[6].size = crop_size
test_pipeline = _base_.test_pipeline
test_pipeline[1].scale = (longer_side, shorter_side)
tta_pipeline = _base_.tta_pipeline
tta_pipeline[1].transforms[0] = [
    dict(type='mmdet.Resize', scale=(7 * shorter_side, shorter_side * quarters // 4), keep_ratio=True)
    for quarters in range(2, 8)
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
