# COCO panoptic, 133 classes
_base_ = 'panoptic.py'

data_root = 'data/coco/'
metainfo = 'coco'
crop_size = (1024, 1024)  # width, height
test_scale = (1333, 800)  # longer and shorter side at most
model_settings = dict(metainfo=metainfo)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPanopticMap'),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(  # large-scale jitter
        type='RandomResize',
        resize_type='mmdet.Resize',
        scale=crop_size,
        ratio_range=(0.1, 2.0),
        keep_ratio=True,
    ),
    dict(type='mmdet.RandomCrop', crop_size=crop_size, allow_negative_crop=True),
    dict(type='mmdet.Pad', size=crop_size, pad_val=dict(img=(128, 128, 128), seg=0)),  # 0 is void
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
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/panoptic_train2017.json',
        data_prefix=dict(img='train2017/', seg='annotations/panoptic_train2017/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/panoptic_val2017.json',
        data_prefix=dict(img='val2017/', seg='annotations/panoptic_val2017/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
