# The synthetic data set of tools/make_shapes_dataset.py
dataset_type = 'PanopticSegDataset'
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
    dict(type='mmdet.Resize', scale=test_scale, keep_ratio=True),
    dict(type='LoadPanopticMap'),  # after the resize: results are compared at the original size
    dict(type='PackOneFormerInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='ResumableSampler'),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/panoptic_train.json',
        data_prefix=dict(img='train/', seg='panoptic_train/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/panoptic_val.json',
        data_prefix=dict(img='val/', seg='panoptic_val/'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='PanopticQuality'),
    dict(type='ThingInstanceAP'),
    dict(type='SemanticIoU', iou_metrics=['mIoU']),
]
test_evaluator = val_evaluator
