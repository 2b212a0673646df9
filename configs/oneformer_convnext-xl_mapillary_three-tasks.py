_base_ = [
    '_base_/models/oneformer_convnext-xl.py',
    '_base_/datasets/mapillary_three-tasks.py',
    '_base_/schedules/mapillary_300k.py',
    '_base_/default_runtime.py',
]

model = {{_base_.model_settings}}
