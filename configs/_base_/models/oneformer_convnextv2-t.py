# OneFormer with a ConvNeXt V2-T (arXiv 2301.00808) of timm: what differs from a ResNet-50
_base_ = 'oneformer_r50.py'

model = dict(
    data_preprocessor=dict(mean=None, std=None),  # those of the pretraining
    backbone=dict(
        _delete_=True,
        type='TimmBackbone',
        model='convnextv2_tiny.fcmae_ft_in22k_in1k_384',
        pretrained=True,
        drop_path_rate=0.2,
    ),
)
