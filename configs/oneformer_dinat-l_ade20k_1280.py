_base_ = [
    '_base_/models/oneformer_dinat-l.py',
    '_base_/datasets/ade20k_1280.py',
    '_base_/schedules/ade20k_160k.py',
    '_base_/default_runtime.py',
]

dilations = (
    (1, 28, 1),
    (1, 7, 1, 14),
    (1, 3, 1, 5, 1, 5, 1, 7, 1, 3, 1, 5, 1, 5, 1, 7, 1, 7),
    (1, 3, 1, 3, 1),
)
model = dict(**_base_.model_settings, backbone=dict(dilations=dilations))
optim_wrapper = dict(type='FiniteOptimWrapper')  # the authors train DiNAT in float32
