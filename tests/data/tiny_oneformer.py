# A whole config of a model that runs in milliseconds, for tests
default_scope = 'mmoneformer'

model = dict(
    type='OneFormer',
    data_preprocessor=dict(
        type='mmdet.DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    metainfo=dict(
        classes=('sky', 'cat', 'road', 'car'),
        thing_ids=(1, 3),
        palette=[(70, 130, 180), (220, 20, 60), (128, 64, 128), (0, 0, 142)],
    ),
    backbone=dict(
        type='mmdet.ResNet',
        depth=18,
        stem_channels=8,
        base_channels=8,
        init_cfg=dict(type='Pretrained', checkpoint='https://example.invalid/never_fetched.pth'),
    ),
    panoptic_head=dict(
        type='OneFormerHead',
        num_queries=6,
        channels=32,
        pixel_decoder=dict(
            type='MSDeformAttnPixelDecoder', in_channels=[8, 16, 32, 64], num_layers=1, feedforward_channels=32
        ),
        query_initializer=dict(feedforward_channels=32),
        masked_decoder=dict(num_layers=3, feedforward_channels=32),
        text_mapper=dict(type='TextMapper', encoder=dict(type='TextEncoder', width=64, num_layers=1), num_context=2),
    ),
    test_cfg=dict(object_mask_thr=0.0, overlap_thr=0.0, max_per_image=5),
)

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(96, 64), keep_ratio=True),
    dict(type='LoadPanopticMap'),
    dict(type='PackOneFormerInputs'),
]
test_dataloader = dict(dataset=dict(type='PanopticSegDataset', pipeline=test_pipeline))
visualizer = dict(type='mmseg.SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer')
