_base_ = [
    '_base_/models/oneformer_convnext-l.py',
    '_base_/datasets/ade20k.py',
    '_base_/schedules/ade20k_160k.py',
    '_base_/default_runtime.py',
]

model = {{_base_.model_settings}}
