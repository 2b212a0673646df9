_base_ = [
    '_base_/models/oneformer_dinat-l.py',
    '_base_/datasets/coco.py',
    '_base_/schedules/coco_100e.py',
    '_base_/default_runtime.py',
]

model = dict(**_base_.model_settings, panoptic_head=dict(num_queries=150))
param_scheduler = _base_.param_scheduler
param_scheduler[1].milestones = [655556, 710184]
