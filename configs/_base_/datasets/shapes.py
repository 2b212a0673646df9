# The synthetic data set of tools/make_shapes_dataset.py
_base_ = 'panoptic.py'

data_root = 'data/shapes/'
metainfo = dict(
    classes=('grass', 'circle', 'square', 'water', 'triangle', 'sand', 'star', 'ring', 'sky'),
    thing_ids=(1, 2, 4, 6, 7),
    palette=[
        (90, 170, 60),
        (220, 60, 60),
        (60, 90, 220),
        (40, 110, 160),
        (240, 170, 30),
        (220, 200, 140),
        (170, 60, 200),
        (30, 190, 170),
        (140, 190, 240),
    ],
)
crop_size = (128, 128)  # width, height
test_scale = (160, 128)  # longer and shorter side at most
model_settings = dict(metainfo=metainfo)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPanopticMap'),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.RandomCrop', crop_size=crop_size, allow_negative_crop=True),
    dict(type='SampleTask'),
    dict(type='PackOneFormerInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=test_scale, keep_ratio=True),
    dict(type='LoadPanopticMap'),  # after the resize: results are compared at the original size
    dict(type='PackOneFormerInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/panoptic_train.json',
        data_prefix=dict(img='train/', seg='panoptic_train/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=2,
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/panoptic_val.json',
        data_prefix=dict(img='val/', seg='panoptic_val/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
