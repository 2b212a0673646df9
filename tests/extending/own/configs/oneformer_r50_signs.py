_base_ = [
    'mmoneformer::_base_/models/oneformer_r50.py',
    '_base_/signs.py',
    'mmoneformer::_base_/schedules/adamw.py',
    'mmoneformer::_base_/default_runtime.py',
]

model = _base_.model_settings
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=5000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
