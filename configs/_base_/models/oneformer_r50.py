# OneFormer with a ResNet-50: the numbers of the paper
model = dict(
    type='OneFormer',
    data_preprocessor=dict(
        type='OneFormerDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    panoptic_head=dict(
        type='OneFormerHead',
        num_queries=150,
        channels=256,
        pixel_decoder=dict(type='MSDeformAttnPixelDecoder'),
        text_mapper=dict(type='TextMapper', encoder=dict(type='TextEncoder'), num_context=16),
    ),
    test_cfg=dict(object_mask_thr=0.8, overlap_thr=0.8),
)
