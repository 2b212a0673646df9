# Nuclei of the 2018 Data Science Bowl (BBBC038): microscope images of 9 sizes, up to 375 nuclei in one; every tenth is
# for validation. Converted by tools/dataset_converters/instance_maps.py: docs/real_data.md
data_root = 'data/nuclei/'
metainfo = dict(classes=('nucleus',), thing_ids=(0,), palette=[(220, 60, 60)])
crop_size = (256, 256)  # width, height
model_settings = dict(metainfo=metainfo, test_cfg=dict(tasks=['instance']))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadSegments'),
    dict(type='RandomResize', resize_type='mmdet.Resize', scale=(4096, 320), ratio_range=(0.7, 1.5), keep_ratio=True),
    dict(type='mmdet.RandomCrop', crop_size=crop_size, allow_negative_crop=True),
    dict(type='mmseg.PhotoMetricDistortion'),
    dict(type='mmdet.RandomFlip', prob=[0.25, 0.25, 0.25], direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='mmdet.Pad', size=crop_size, pad_val=dict(img=(0, 0, 0), seg=0)),  # 0 is void
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
        type='mmdet.CocoDataset',
        data_root=data_root,
        ann_file=f'annotations/instances_{split}.json',
        data_prefix=dict(img='images/'),
        metainfo=dict(classes=metainfo['classes']),
    )
    for split in ('train', 'val')
}
train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='ResumableSampler'),
    dataset=dict(
        type='MultiSourceDataset',
        metainfo=metainfo,
        sources=[dict(splits['train'], filter_cfg=dict(filter_empty_gt=True))],
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='MultiSourceDataset', metainfo=metainfo, sources=[splits['val']], pipeline=test_pipeline, test_mode=True
    ),
)
test_dataloader = val_dataloader
val_evaluator = test_evaluator = dict(type='ThingInstanceAP')
