_base_ = [
    '_base_/models/oneformer_dinat-l.py',
    '_base_/datasets/mapillary.py',
    '_base_/schedules/mapillary_300k.py',
    '_base_/default_runtime.py',
]

model = dict(metainfo={{_base_.metainfo}}, test_cfg=dict(tasks=['panoptic', 'semantic']))
optim_wrapper = dict(type='FiniteOptimWrapper')  # the authors train DiNAT in float32
