_base_ = 'oneformer_convnext-xl_cityscapes.py'

model = dict(backbone=dict(init_cfg=None))
load_from = 'checkpoints/oneformer_convnext-xl_mapillary_three-tasks.pth'
