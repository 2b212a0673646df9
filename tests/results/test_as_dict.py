import json

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData
from pycocotools import mask as coco_mask

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.results.as_dict import AS_DICT, SampleResult, as_dict, tasks_of

METAINFO = resolve_metainfo({'classes': ('sky', 'cat', 'road'), 'thing_ids': (1,)})
MASKS = torch.tensor([[[1, 1, 0], [0, 0, 0]], [[0, 1, 1], [0, 1, 1]]]).bool()


@pytest.fixture
def sample():
    sample = DetDataSample()
    sample.pred_panoptic_seg = PixelData(sem_seg=torch.tensor([[[1000, 1001, 3], [2, 2001, 2001]]]))
    sample.pred_segments = InstanceData(
        ids=torch.tensor([2, 1000, 1001, 2001]), scores=torch.tensor([0.625, 0.5, 0.75, 0.875])
    )
    labels = torch.tensor([[[0, 1, 2], [2, 1, 1]]])
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)
    sample.pred_instances = InstanceData(
        masks=MASKS,
        labels=torch.tensor([1, 1]),
        scores=torch.tensor([0.75, 0.5]),
        bboxes=torch.tensor([[0.0, 0, 2, 1], [1, 0, 3, 2]]),
    )
    return sample


def test_panoptic(sample):
    panoptic = as_dict(sample, METAINFO, ['panoptic'])['panoptic']
    np.testing.assert_array_equal(panoptic['id_map'], [[2, 3, 0], [1, 4, 4]])
    road, sky, one, other = panoptic['segments']
    assert sky == {
        'id': 2,
        'label': 0,
        'class_name': 'sky',
        'is_thing': False,
        'area': 1,
        'score': 0.5,
        'bbox': [0, 0, 1, 1],
    }
    assert [segment['id'] for segment in (road, one, other)] == [1, 3, 4]
    assert [segment['class_name'] for segment in (road, one, other)] == ['road', 'cat', 'cat']
    assert [segment['is_thing'] for segment in (road, one, other)] == [False, True, True]
    assert [segment['area'] for segment in (road, one, other)] == [1, 1, 2]
    assert [segment['score'] for segment in (road, one, other)] == [0.625, 0.75, 0.875]
    assert [segment['bbox'] for segment in (road, one, other)] == [[0, 1, 1, 2], [1, 0, 2, 1], [1, 1, 3, 2]]
    json.dumps(panoptic['segments'])


def test_segments_of_another_model_have_no_scores(sample):
    expected = as_dict(sample, METAINFO, ['panoptic'])['panoptic']
    del sample.pred_segments
    panoptic = as_dict(sample, METAINFO, ['panoptic'])['panoptic']
    np.testing.assert_array_equal(panoptic['id_map'], expected['id_map'])
    assert panoptic['segments'] == [segment | {'score': None} for segment in expected['segments']]


def test_no_segment(sample):
    sample.pred_panoptic_seg = PixelData(sem_seg=torch.full((1, 2, 3), 3))
    sample.pred_segments = sample.pred_segments[:0]
    panoptic = as_dict(sample, METAINFO, ['panoptic'])['panoptic']
    assert not panoptic['id_map'].any()
    assert panoptic['segments'] == []


def test_instance(sample):
    instances = as_dict(sample, METAINFO, ['instance'])['instance']
    masks = instances.pop('masks')
    assert instances == {
        'labels': [1, 1],
        'class_names': ['cat', 'cat'],
        'scores': [0.75, 0.5],
        'bboxes': [[0, 0, 2, 1], [1, 0, 3, 2]],
    }
    decoded = np.stack([coco_mask.decode(mask) for mask in json.loads(json.dumps(masks))])
    np.testing.assert_array_equal(decoded, MASKS)


def test_no_instance(sample):
    sample.pred_instances = sample.pred_instances[:0]
    instances = as_dict(sample, METAINFO, ['instance'])['instance']
    assert instances == {'labels': [], 'class_names': [], 'scores': [], 'bboxes': [], 'masks': []}


def test_semantic(sample):
    label_map = as_dict(sample, METAINFO, ['semantic'])['semantic']['label_map']
    np.testing.assert_array_equal(label_map, np.array([[0, 1, 2], [2, 1, 1]], np.uint8), strict=True)


def test_gives_what_is_asked_in_that_order(sample):
    assert list(as_dict(sample, METAINFO, ['semantic', 'instance'])) == ['semantic', 'instance']


def test_tasks_of_a_sample(sample):
    assert tasks_of(sample) == ['panoptic', 'instance', 'semantic']
    del sample.pred_instances
    assert tasks_of(sample) == ['panoptic', 'semantic']


def test_another_task(sample, monkeypatch):
    convert = SampleResult('pred_parts', lambda sample, metainfo: {'classes': metainfo['classes']})
    monkeypatch.setitem(AS_DICT, 'part', convert)
    assert as_dict(sample, METAINFO, ['part']) == {'part': {'classes': METAINFO['classes']}}
