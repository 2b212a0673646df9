_base_ = 'mmoneformer::oneformer_tiny_shapes.py'

custom_imports = dict(imports=['conv_pyramid'])
channels = [8, 16, 24, 32]
model = dict(
    backbone=dict(_delete_=True, type='ConvPyramid', channels=channels),
    panoptic_head=dict(pixel_decoder=dict(in_channels=channels)),
)
