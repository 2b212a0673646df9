_base_ = [
    '_base_/models/oneformer_dinov3-l.py',
    '_base_/datasets/coco.py',
    '_base_/schedules/coco_50e.py',
    '_base_/default_runtime.py',
]

model = {{_base_.model_settings}}
optim_wrapper = dict(paramwise_cfg=dict(backbone_lr_mult=1.0, layer_decay=0.8))
