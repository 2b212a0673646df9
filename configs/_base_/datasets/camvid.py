# CamVid in the form of the SegNet tutorial: 367 + 101 + 233 street scenes of 480 x 360, label maps of 11 classes.
# docs/real_data.md
data_root = 'data/camvid/'
metainfo = dict(
    classes=(
        'sky',
        'building',
        'pole',
        'road',
        'pavement',
        'tree',
        'sign',
        'fence',
        'car',
        'pedestrian',
        'bicyclist',
    ),
    thing_ids=(8, 9, 10),
    palette=[
        (128, 128, 128),
        (128, 0, 0),
        (192, 192, 128),
        (128, 64, 128),
        (0, 0, 192),
        (128, 128, 0),
        (192, 128, 128),
        (64, 64, 128),
        (64, 0, 128),
        (64, 64, 0),
        (0, 128, 192),
    ],
)
crop_size = (256, 256)  # width, height
model_settings = dict(metainfo=metainfo, test_cfg=dict(tasks=['semantic']))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadSegments'),
    dict(type='RandomResize', resize_type='mmdet.Resize', scale=(480, 360), ratio_range=(0.75, 1.75), keep_ratio=True),
    dict(type='mmdet.RandomCrop', crop_size=crop_size, allow_negative_crop=True),
    dict(type='mmseg.PhotoMetricDistortion'),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='SampleTask'),
    dict(type='PackOneFormerInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadSegments'),
    dict(type='PackOneFormerInputs'),
]

splits = {
    split: dict(
        type='mmseg.BaseSegDataset',
        data_root=data_root,
        data_prefix=dict(img_path=f'{split}/', seg_map_path=f'{split}annot/'),
        img_suffix='.jpg',
        seg_map_suffix='.png',
        reduce_zero_label=False,
        ignore_index=11,
        metainfo=dict(classes=metainfo['classes']),
    )
    for split in ('train', 'val', 'test')
}
train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='ResumableSampler'),
    dataset=dict(type='MultiSourceDataset', metainfo=metainfo, sources=[splits['train']], pipeline=train_pipeline),
)
val_dataloader, test_dataloader = (
    dict(
        batch_size=1,
        num_workers=2,
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type='MultiSourceDataset',
            metainfo=metainfo,
            sources=[splits[split]],
            pipeline=test_pipeline,
            test_mode=True,
        ),
    )
    for split in ('val', 'test')
)
val_evaluator = test_evaluator = dict(type='SemanticIoU', iou_metrics=['mIoU'])
