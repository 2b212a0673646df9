_base_ = 'mmoneformer::oneformer_tiny_shapes.py'

custom_imports = dict(imports=['conv_pyramid'])
model = dict(backbone=dict(_delete_=True, type='ConvPyramid', channels=[8, 16, 24, 32]))
