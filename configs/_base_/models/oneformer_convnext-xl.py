# OneFormer with a ConvNeXt-XL: what differs from a ConvNeXt-L
_base_ = 'oneformer_convnext-l.py'

pretrained = 'https://dl.fbaipublicfiles.com/convnext/convnext_xlarge_22k_1k_384_ema.pth'
model = dict(backbone=dict(channels=(256, 512, 1024, 2048), init_cfg=dict(checkpoint=pretrained)))
