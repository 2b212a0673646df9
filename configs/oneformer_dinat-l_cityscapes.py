_base_ = [
    '_base_/models/oneformer_dinat-l.py',
    '_base_/datasets/cityscapes.py',
    '_base_/schedules/cityscapes_90k.py',
    '_base_/default_runtime.py',
]

pretrained = 'https://shi-labs.com/projects/dinat/checkpoints/imagenet22k/dinat_large_in22k_224.pth'
dilations = (
    (1, 18, 1),
    (1, 5, 1, 9),
    (1, 2, 1, 3, 1, 4, 1, 2, 1, 3, 1, 4, 1, 2, 1, 3, 1, 4),
    (1, 2, 1, 2, 1),
)
model = dict(
    **_base_.model_settings,
    backbone=dict(dilations=dilations, kernel_size=7, init_cfg=dict(checkpoint=pretrained)),
)
optim_wrapper = dict(type='FiniteOptimWrapper')  # the authors train DiNAT in float32
