# Nuclei of the 2018 Data Science Bowl (BBBC038): microscope images of 9 sizes, up to 375 nuclei in one; every tenth is
# for validation. Converted by tools/dataset_converters/instance_maps.py: docs/real_data.md
data_root = 'data/nuclei/'
metainfo = dict(classes=('nucleus',), thing_ids=(0,), palette=[(220, 60, 60)])
crop_size = (192, 192)  # width, height
scale_factor = 1.75
model_settings = dict(metainfo=metainfo, test_cfg=dict(tasks=['instance']))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadSegments'),
    dict(type='mmdet.RandomCrop', crop_type='absolute_range', crop_size=(80, 140), allow_negative_crop=True),
    dict(type='mmdet.Resize', scale=crop_size, keep_ratio=False),
    dict(type='mmseg.PhotoMetricDistortion'),
    dict(type='mmdet.RandomFlip', prob=[0.25, 0.25, 0.25], direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='SampleTask'),
    dict(type='PackOneFormerInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale_factor=scale_factor, keep_ratio=True),
    dict(type='LoadSegments'),  # after the resize: results are compared at the original size
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
    batch_size=16,
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
val_evaluator = test_evaluator = dict(type='ThingInstanceAP', max_dets=400)  # up to 375 nuclei in an image
