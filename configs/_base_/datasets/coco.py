# COCO panoptic, 133 classes
dataset_type = 'PanopticSegDataset'
data_root = 'data/coco/'
metainfo = 'coco'
crop_size = (1024, 1024)  # width, height
test_scale = (1333, 800)  # longer and shorter side at most

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
    dict(type='mmdet.Resize', scale=test_scale, keep_ratio=True),
    dict(type='LoadPanopticMap'),  # after the resize: results are compared at the original size
    dict(type='PackOneFormerInputs'),
]

train_dataloader = dict(
    batch_size=16,  # over all GPUs: divide by their number
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='ResumableSampler'),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/panoptic_train2017.json',
        data_prefix=dict(img='train2017/', seg='annotations/panoptic_train2017/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/panoptic_val2017.json',
        data_prefix=dict(img='val2017/', seg='annotations/panoptic_val2017/'),
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
