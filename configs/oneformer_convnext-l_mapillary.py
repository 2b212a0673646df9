_base_ = [
    '_base_/models/oneformer_convnext-l.py',
    '_base_/datasets/mapillary.py',
    '_base_/schedules/mapillary_300k.py',
    '_base_/default_runtime.py',
]

model = {{_base_.model_settings}}
