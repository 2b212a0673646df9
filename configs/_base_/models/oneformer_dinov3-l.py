# OneFormer with a DINOv3 ViT-L: what differs from a ViT-B
_base_ = 'oneformer_dinov3-b.py'

model = dict(backbone=dict(model='vit_large_patch16_dinov3.lvd1689m', drop_path_rate=0.3))
