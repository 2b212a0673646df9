# OneFormer for real time: MobileNetV4-M (arXiv 2404.10518) of timm, and a head of half the width and fewer layers
_base_ = 'oneformer_r50.py'

model = dict(
    data_preprocessor=dict(mean=None, std=None),  # those of the pretraining
    backbone=dict(
        _delete_=True,
        type='TimmBackbone',
        model='mobilenetv4_conv_medium.e500_r256_in1k',
        pretrained=True,
        norm_eval=True,
    ),
    panoptic_head=dict(
        num_queries=100,
        channels=128,
        pixel_decoder=dict(num_layers=3, feedforward_channels=512),
        query_initializer=dict(feedforward_channels=512),
        masked_decoder=dict(num_layers=6, feedforward_channels=1024),
    ),
)
