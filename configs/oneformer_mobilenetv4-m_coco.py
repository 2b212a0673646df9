_base_ = [
    '_base_/models/oneformer_mobilenetv4-m.py',
    '_base_/datasets/coco.py',
    '_base_/schedules/coco_50e.py',
    '_base_/default_runtime.py',
]

model = {{_base_.model_settings}}
