_base_ = [
    '_base_/models/oneformer_r50.py',
    '_base_/datasets/cityscapes.py',
    '_base_/schedules/cityscapes_90k.py',
    '_base_/default_runtime.py',
]

norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(**_base_.model_settings, backbone=dict(norm_cfg=norm_cfg, norm_eval=False))
