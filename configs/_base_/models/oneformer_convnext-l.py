# OneFormer with a ConvNeXt-L pre-trained on ImageNet-22k and -1k at 384 x 384: what differs from a ResNet-50
_base_ = 'oneformer_r50.py'

pretrained = 'https://dl.fbaipublicfiles.com/convnext/convnext_large_22k_1k_384.pth'
model = dict(
    backbone=dict(
        _delete_=True,
        type='ConvNeXt',
        depths=(3, 3, 27, 3),
        channels=(192, 384, 768, 1536),
        drop_path_rate=0.4,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained),
    ),
    panoptic_head=dict(num_queries=250),
)
