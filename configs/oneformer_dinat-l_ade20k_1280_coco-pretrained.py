_base_ = 'oneformer_dinat-l_ade20k_1280.py'

model = dict(backbone=dict(init_cfg=None), panoptic_head=dict(num_queries=150))
load_from = 'checkpoints/oneformer_dinat-l_coco.pth'
