# Mapillary Vistas for all three tasks: so the weights were trained that models of Cityscapes start from
_base_ = 'mapillary.py'

model_settings = dict(_delete_=True, metainfo=_base_.metainfo)

train_pipeline = _base_.train_pipeline
train_pipeline[-2] = dict(type='SampleTask')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_evaluator = [*_base_.val_evaluator, dict(type='ThingInstanceAP')]
test_evaluator = val_evaluator
