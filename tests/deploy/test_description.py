import json
from dataclasses import asdict

import pytest

from mmoneformer_deploy.description import Description


def test_there_and_back(description):
    assert Description.parse(description.to_json(), 'x.onnx') == description
    whole = asdict(description) | {'resize': None, 'pad_value': [0, 0, 0], 'overlap_thr': 1}
    assert Description.parse(json.dumps(whole), 'x.onnx').resize is None


def test_entries_of_later_versions_are_ignored(description):
    later = asdict(description) | {'license': 'MIT'}
    assert Description.parse(json.dumps(later), 'x.onnx') == description


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'x.onnx has no description of mmoneformer: export the model with `mmoneformer export`'),
        ('{"format": 1', 'x.onnx has a damaged description: export the model again'),
        ('[' * 100000, 'x.onnx has a damaged description: export the model again'),
        ('[1]', 'x.onnx has a description of format None, and this version reads format 1'),
        ('{"format": 2}', 'x.onnx has a description of format 2, and this version reads format 1'),
        ('{"format": 1}', 'x.onnx has a damaged description: classes is None, .*; export the model again'),
    ],
)
def test_what_is_none(text, message):
    with pytest.raises(ValueError, match=message):
        Description.parse(text, 'x.onnx')


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('version', 1),
        ('tasks', 'panoptic'),
        ('tasks', ['panoptic', 'panoptic']),
        ('classes', ['sky', 7, 'road', 'dog']),
        ('thing_ids', [4]),
        ('thing_ids', 1),
        ('palette', [[0, 0, 0]]),
        ('palette', [[0, 0, 256]] * 4),
        ('palette', [[0, 0, 0.5]] * 4),
        ('resize', {'scale': [160, 128]}),
        ('resize', {'scale': [160, 0], 'keep_ratio': True}),
        ('resize', {'scale': [1e9, 128], 'keep_ratio': True}),
        ('size_divisor', 0),
        ('size_divisor', True),
        ('pad_value', [0, 0]),
        ('pad_value', [0, 0, float('nan')]),
        ('pad_value', ['0', '0', '0']),
        ('object_mask_thr', 1.5),
        ('overlap_thr', None),
        ('max_per_image', -1),
    ],
)
def test_damaged_entries(description, name, value):
    text = json.dumps(asdict(description) | {name: value})
    with pytest.raises(ValueError, match=rf'x\.onnx has a damaged description: {name} is .*; export the model again'):
        Description.parse(text, 'x.onnx')
