_base_ = [
    '_base_/models/oneformer_dinov2-b.py',
    '_base_/datasets/ade20k.py',
    '_base_/schedules/ade20k_160k.py',
    '_base_/default_runtime.py',
]

model = {{_base_.model_settings}}
optim_wrapper = dict(paramwise_cfg=dict(backbone_lr_mult=1.0, layer_decay=0.8))
