# Mapillary Vistas v1.2, 65 classes, prepared as tools/dataset_converters/mapillary.py writes it
_base_ = 'panoptic.py'

data_root = 'data/mapillary_vistas/'
metainfo = 'mapillary'
crop_size = (1024, 1024)  # width, height
shorter_side = 2048
model_settings = dict(metainfo=metainfo, test_cfg=dict(tasks=['panoptic', 'semantic']))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPanopticMap'),
    dict(
        type='RandomChoiceResize',
        resize_type='mmdet.Resize',
        scales=[(4 * shorter_side, shorter_side * tenths // 10) for tenths in range(5, 21)],
        keep_ratio=True,
    ),
    dict(type='mmdet.RandomCrop', crop_size=crop_size, allow_negative_crop=True),
    dict(type='mmseg.PhotoMetricDistortion'),  # that of the authors; mmdet's also swaps channels
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='SampleTask', probabilities=dict(panoptic=0.5, semantic=0.5)),
    dict(type='PackOneFormerInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(shorter_side, shorter_side), keep_ratio=True),
    dict(type='LoadPanopticMap'),  # after the resize: results are compared at the original size
    dict(type='PackOneFormerInputs'),
]
tta_model = dict(type='SemanticTTA')
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='mmdet.Resize', scale=(4096, side), keep_ratio=True) for side in range(512, 1793, 256)],
            [dict(type='mmdet.RandomFlip', prob=0.0), dict(type='mmdet.RandomFlip', prob=1.0)],
            [dict(type='LoadPanopticMap')],
            [dict(type='PackOneFormerInputs')],
        ],
    ),
]

train_dataloader = dict(
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        ann_file='mapillary_panoptic_train.json',
        data_prefix=dict(img='training/images/', seg='mapillary_panoptic_train/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        ann_file='mapillary_panoptic_val.json',
        data_prefix=dict(img='validation/images/', seg='mapillary_panoptic_val/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = [_base_.val_evaluator[0], _base_.val_evaluator[2]]  # PQ and mIoU
test_evaluator = val_evaluator
