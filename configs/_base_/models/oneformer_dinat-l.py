# OneFormer with a DiNAT-L pre-trained on ImageNet-22k and -1k at 384 x 384: what differs from a ResNet-50
_base_ = 'oneformer_r50.py'

pretrained = 'https://shi-labs.com/projects/dinat/checkpoints/imagenet1k/dinat_large_in22k_in1k_384_11x11.pth'
model = dict(
    backbone=dict(
        _delete_=True,
        type='DiNAT',
        embed_dims=192,
        num_heads=(6, 12, 24, 48),
        dilations=(
            (1, 20, 1),
            (1, 5, 1, 10),
            (1, 2, 1, 3, 1, 4, 1, 5, 1, 2, 1, 3, 1, 4, 1, 5, 1, 5),
            (1, 2, 1, 2, 1),
        ),
        kernel_size=11,
        mlp_ratio=2.0,
        drop_path_rate=0.3,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained),
    ),
    panoptic_head=dict(num_queries=250),
)
