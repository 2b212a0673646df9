_base_ = 'mmoneformer::oneformer_tiny_shapes.py'

custom_imports = dict(imports=['segment_table'])
test_evaluator = [dict(type='SegmentTable', path='segments.csv')]
