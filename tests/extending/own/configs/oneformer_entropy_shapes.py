_base_ = 'mmoneformer::oneformer_tiny_shapes.py'

custom_imports = dict(imports=['entropy_loss'])
model = dict(panoptic_head=dict(set_loss=dict(type='EntropySetLoss', entropy_weight=0.1)))
