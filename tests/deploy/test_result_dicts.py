import json

import numpy as np
import pytest
from scipy.ndimage import find_objects

from mmoneformer_deploy.result_dicts import instance_dict, labels_in, panoptic_dict, semantic_dict

CLASSES = {'classes': ('sky', 'cat', 'road'), 'thing_ids': (1,), 'palette': [(0, 0, 0)] * 3}


def test_panoptic():
    id_map = np.array([[2, 3, 0], [1, 3, 3]], np.int32)
    panoptic = panoptic_dict(id_map, [2, 0, 1], [0.625, 0.5, 0.75], CLASSES)
    assert panoptic['id_map'] is id_map
    road, sky, cat = panoptic['segments']
    assert cat == {
        'id': 3,
        'label': 1,
        'class_name': 'cat',
        'is_thing': True,
        'area': 3,
        'score': 0.75,
        'bbox': [1, 0, 3, 2],
    }
    assert [road['id'], sky['id']] == [1, 2]
    assert [road['is_thing'], sky['is_thing']] == [False, False]
    assert json.loads(json.dumps(panoptic['segments'])) == panoptic['segments']


@pytest.mark.parametrize('strip', [512, 2])
def test_labels_of_pixels_that_count(monkeypatch, strip):
    monkeypatch.setattr('mmoneformer_deploy.result_dicts.STRIP', strip)
    assert labels_in(np.array([[255, 3], [255, 0], [3, 254]], np.uint8)) == [0, 3, 254]
    assert labels_in(np.full((4, 1), 255, np.uint8)) == []


@pytest.mark.parametrize('strip', [512, 5])
def test_areas_and_boxes_are_those_of_scipy(monkeypatch, strip):
    monkeypatch.setattr('mmoneformer_deploy.result_dicts.STRIP', strip)
    id_map = np.random.default_rng(0).integers(0, 8, (13, 17)).astype(np.int32)
    id_map[5:] = np.maximum(id_map[5:], 4)
    segments = panoptic_dict(id_map, [0] * 7, [1.0] * 7, CLASSES)['segments']
    assert [segment['area'] for segment in segments] == np.bincount(id_map.ravel())[1:].tolist()
    boxes = [[columns.start, rows.start, columns.stop, rows.stop] for rows, columns in find_objects(id_map)]
    assert [segment['bbox'] for segment in segments] == boxes


def test_no_segment():
    assert panoptic_dict(np.zeros((2, 3), np.int32), [], [], CLASSES)['segments'] == []


def test_instances():
    mask = {'size': [2, 3], 'counts': '04'}
    assert instance_dict([1], [0.5], [(1.0, 0.0, 3.0, 2.0)], [mask], CLASSES) == {
        'labels': [1],
        'class_names': ['cat'],
        'scores': [0.5],
        'bboxes': [[1, 0, 3, 2]],
        'masks': [mask],
    }


def test_semantic():
    labels = np.array([[0, 2, 1]])
    np.testing.assert_array_equal(semantic_dict(labels)['label_map'], labels.astype(np.uint8), strict=True)
