_base_ = 'mmoneformer::oneformer_tiny_shapes.py'

custom_imports = dict(imports=['part'])
val_evaluator = [*_base_.val_evaluator, dict(type='PartAP')]
test_evaluator = val_evaluator
