# OneFormer with a DINOv2 ViT-B with registers (arXiv 2309.16588): what differs from DINOv3
_base_ = 'oneformer_dinov3-b.py'

model = dict(backbone=dict(model='vit_base_patch14_reg4_dinov2.lvd142m'))
