# OneFormer for small data and small machines: EfficientNet-Lite0 of timm, and a narrow head with few layers
_base_ = 'oneformer_r50.py'

model = dict(
    data_preprocessor=dict(mean=None, std=None),  # those of the pretraining
    backbone=dict(_delete_=True, type='TimmBackbone', model='tf_efficientnet_lite0', pretrained=True, norm_eval=True),
    panoptic_head=dict(
        num_queries=100,
        channels=64,
        pixel_decoder=dict(num_layers=1, feedforward_channels=256, dropout=0.0),
        query_initializer=dict(feedforward_channels=256, dropout=0.0),
        masked_decoder=dict(num_layers=3, feedforward_channels=256),
        text_mapper=dict(encoder=dict(width=64, num_layers=2), num_context=16),
        set_loss=dict(type='MaskSetLoss', num_points=1024),
    ),
)
