_base_ = 'oneformer_convnext-l_cityscapes.py'

model = dict(backbone=dict(init_cfg=None))
load_from = 'checkpoints/oneformer_convnext-l_mapillary_three-tasks.pth'
