# ADE20K, 150 classes, prepared as tools/dataset_converters writes it (the layout of detectron2)
_base_ = 'panoptic.py'

data_root = 'data/ade/ADEChallengeData2016/'
metainfo = 'ade20k'
crop_size = (640, 640)  # width, height
shorter_side = min(crop_size)
longer_side = 4 * shorter_side  # at most
model_settings = dict(metainfo=metainfo, test_cfg=dict(object_mask_thr=0.5))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPanopticMap'),
    dict(
        type='RandomChoiceResize',
        resize_type='mmdet.Resize',
        scales=[(longer_side, shorter_side * tenths // 10) for tenths in range(5, 21)],
        keep_ratio=True,
    ),
    dict(type='mmdet.RandomCrop', crop_size=crop_size, allow_negative_crop=True),
    dict(type='mmseg.PhotoMetricDistortion'),  # that of the authors; mmdet's also swaps channels
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.Pad', size=crop_size, pad_val=dict(img=(128, 128, 128), seg=0)),  # 0 is void
    dict(type='SampleTask'),
    dict(type='PackOneFormerInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(longer_side, shorter_side), keep_ratio=True),
    dict(type='LoadPanopticMap'),  # after the resize: results are compared at the original size
    dict(type='LoadLabelMap'),  # where data_prefix names labels='annotations/validation', the ground truth of mIoU
    dict(type='PackOneFormerInputs'),
]
tta_model = dict(type='SemanticTTA')
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='mmdet.Resize', scale=(7 * shorter_side, shorter_side * quarters // 4), keep_ratio=True)
                for quarters in range(2, 8)
            ],
            [dict(type='mmdet.RandomFlip', prob=0.0), dict(type='mmdet.RandomFlip', prob=1.0)],
            [dict(type='LoadPanopticMap')],
            [dict(type='LoadLabelMap')],
            [dict(type='PackOneFormerInputs')],
        ],
    ),
]

train_dataloader = dict(
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        ann_file='ade20k_panoptic_train.json',
        data_prefix=dict(img='images/training/', seg='ade20k_panoptic_train/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        ann_file='ade20k_panoptic_val.json',
        data_prefix=dict(img='images/validation/', seg='ade20k_panoptic_val/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
