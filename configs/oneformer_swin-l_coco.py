_base_ = [
    '_base_/models/oneformer_swin-l.py',
    '_base_/datasets/coco.py',
    '_base_/schedules/coco_100e.py',
    '_base_/default_runtime.py',
]

model = dict(**_base_.model_settings, panoptic_head=dict(num_queries=150))
