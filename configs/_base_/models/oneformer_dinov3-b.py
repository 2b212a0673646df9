# OneFormer with a DINOv3 ViT-B (arXiv 2508.10104) of timm: what differs from a ResNet-50. Lower layers should learn
# more slowly: optim_wrapper.paramwise_cfg=dict(backbone_lr_mult=1.0, layer_decay=0.8)
_base_ = 'oneformer_r50.py'

model = dict(
    data_preprocessor=dict(mean=None, std=None),  # those of the pretraining
    backbone=dict(
        _delete_=True,
        type='TimmViT',
        model='vit_base_patch16_dinov3.lvd1689m',
        pretrained=True,
        drop_path_rate=0.1,
    ),
)
