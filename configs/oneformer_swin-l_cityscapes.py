_base_ = [
    '_base_/models/oneformer_swin-l.py',
    '_base_/datasets/cityscapes.py',
    '_base_/schedules/cityscapes_90k.py',
    '_base_/default_runtime.py',
]

model = {{_base_.model_settings}}
