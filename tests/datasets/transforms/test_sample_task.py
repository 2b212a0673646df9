import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mmoneformer.datasets.transforms.sample_task import SampleTask

DATA = Path(__file__).parents[2] / 'data'
ALL = ('panoptic', 'instance', 'semantic')


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(0)


def segment(number, label, iscrowd=0):
    return {'id': number, 'label': label, 'iscrowd': iscrowd}


def sample(seg_map, segments, thing_ids=(0, 2), tasks=ALL):
    return {
        'gt_seg_map': np.asarray(seg_map, np.uint8),
        'segments': segments,
        'classes': ('cat', 'sky', 'dog', 'sea'),
        'thing_ids': thing_ids,
        'tasks': tasks,
    }


def targets(results):
    """Labels and pixel sets, in order."""
    masks = [results['gt_target_map'] == n + 1 for n in range(len(results['gt_labels']))]
    assert results['gt_target_map'].max(initial=0) <= len(masks)
    return list(zip(results['gt_labels'].tolist(), (mask.tobytes() for mask in masks), strict=True))


@pytest.mark.parametrize('task', ALL)
@pytest.mark.parametrize('image', ['gt0', 'gt1'])
@pytest.mark.parametrize('name', ['swin_small', 'r50_small'])
def test_reference_targets(name, image, task):
    """The same masks, labels and texts as the authors' code: crowds, void and empty segments are left out."""
    truth = np.load(DATA / f'{name}_train.npz')
    config = json.loads(str(truth['config_json']))
    ids = truth[f'{image}/pan_ids']
    infos = json.loads(str(truth[f'{image}/segments_info_json']))
    seg_map = np.zeros(ids.shape, np.uint8)
    for number, info in enumerate(infos, start=1):
        seg_map[ids == info['id']] = number
    results = SampleTask(probabilities={task: 1})(
        {
            'gt_seg_map': seg_map,
            'segments': [segment(n, info['category_id'], info['iscrowd']) for n, info in enumerate(infos, start=1)],
            'classes': config['class_names'],
            'thing_ids': [info['category_id'] for info in infos if info['isthing']],
            'tasks': ALL,
        }
    )
    labels = truth[f'{image}/{task}/labels'].tolist()
    shape = truth[f'{image}/{task}/masks_shape']
    packed = truth[f'{image}/{task}/masks_packed']
    masks = np.unpackbits(packed, axis=1, count=shape[1] * shape[2]).reshape(shape).astype(bool)
    assert Counter(targets(results)) == Counter(zip(labels, (mask.tobytes() for mask in masks), strict=True))
    assert results['texts'] == json.loads(str(truth[f'{image}/{task}/texts_json']))[: len(labels)]
    assert results['gt_labels'].tolist() == sorted(labels)
    assert results['task'] == task


def test_order_within_a_class_is_that_of_the_segments():
    seg_map = [[1, 2, 3, 4, 0]]
    results = SampleTask(probabilities={'panoptic': 1})(
        sample(seg_map, [segment(1, 2), segment(2, 0), segment(3, 2), segment(4, 0)])
    )
    assert results['gt_target_map'].tolist() == [[3, 1, 4, 2, 0]]
    assert results['gt_labels'].tolist() == [0, 0, 2, 2]
    assert results['gt_target_map'].dtype == np.uint8


def test_what_a_crop_removed_is_no_target():
    results = SampleTask(probabilities={'panoptic': 1})(
        sample([[3, 3, 1]], [segment(1, 0), segment(2, 1), segment(3, 3)])
    )
    assert results['gt_labels'].tolist() == [0, 3]
    assert results['gt_target_map'].tolist() == [[2, 2, 1]]


@pytest.mark.parametrize('task', ALL)
@pytest.mark.parametrize(
    ('seg_map', 'segments'),
    [([[0, 0]], []), ([[1, 1]], [segment(1, 0, iscrowd=1)])],
    ids=['nothing', 'all crowd'],
)
def test_images_without_a_target(task, seg_map, segments):
    results = SampleTask(probabilities={task: 1})(sample(seg_map, segments))
    assert results['gt_labels'].shape == (0,)
    assert results['gt_labels'].dtype == np.int64
    assert results['gt_target_map'].tolist() == [[0, 0]]
    assert results['texts'] == []


def test_no_target_is_dropped_however_many_there_are():
    seg_map = np.arange(1, 301).reshape(15, 20).astype(np.uint16)
    data = sample(np.zeros((1, 1)), [segment(n, 0) for n in range(1, 301)]) | {'gt_seg_map': seg_map}
    results = SampleTask(probabilities={'instance': 1})(data)
    np.testing.assert_array_equal(results['gt_target_map'], seg_map)
    assert results['texts'] == ['a photo with a cat'] * 300


def drawn(transform, tasks=ALL, count=3000):
    counts = Counter(transform(sample([[1]], [segment(1, 0)], tasks=tasks))['task'] for _ in range(count))
    return {name: counts[name] / count for name in ALL}


@pytest.mark.parametrize(
    ('probabilities', 'tasks', 'expected'),
    [
        (None, ALL, (1 / 3, 1 / 3, 1 / 3)),
        ({'semantic': 3, 'panoptic': 1}, ALL, (0.25, 0, 0.75)),
        ({'semantic': 1, 'panoptic': 1, 'instance': 8}, ('panoptic', 'semantic'), (0.5, 0, 0.5)),
    ],
)
def test_frequencies(probabilities, tasks, expected):
    found = drawn(SampleTask(probabilities=probabilities), tasks)
    assert found == pytest.approx(dict(zip(ALL, expected, strict=True)), abs=0.03)


@pytest.mark.parametrize(
    ('probabilities', 'message'),
    [
        ({'detection': 1}, 'detection'),
        ({'panoptic': -0.5, 'semantic': 1}, '-0.5'),
        ({'panoptic': 0}, 'not all 0'),
        ({'panoptic': float('nan')}, 'nan'),
        ({}, 'choose one or more'),
    ],
)
def test_impossible_probabilities(probabilities, message):
    with pytest.raises(ValueError, match=message):
        SampleTask(probabilities=probabilities)


def test_data_set_that_can_tell_none_of_the_tasks():
    with pytest.raises(ValueError, match=r"can tell the tasks \['panoptic', 'semantic'\]"):
        SampleTask(probabilities={'instance': 1})(sample([[1]], [segment(1, 1)], tasks=('panoptic', 'semantic')))


def test_image_without_annotation():
    with pytest.raises(KeyError, match='a.jpg has no gt_seg_map'):
        SampleTask()({'img_path': 'a.jpg'})
