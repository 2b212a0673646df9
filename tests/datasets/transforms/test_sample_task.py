import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from mmoneformer.datasets.transforms.sample_task import SampleTask
from mmoneformer.structures.segment_map import skip_fill
from mmoneformer.tasks import TASKS, Task

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
    found = results['targets']
    assert found.masks.id_map.max() <= len(found.masks)
    masks = found.masks.dense().numpy()
    return list(zip(found.labels.tolist(), (mask.tobytes() for mask in masks), strict=True))


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
    assert results['targets'].texts == json.loads(str(truth[f'{image}/{task}/texts_json']))[: len(labels)]
    assert results['targets'].labels.tolist() == sorted(labels)
    assert results['targets'].task == task


def test_order_within_a_class_is_that_of_the_segments():
    seg_map = [[1, 2, 3, 4, 0]]
    results = SampleTask(probabilities={'panoptic': 1})(
        sample(seg_map, [segment(1, 2), segment(2, 0), segment(3, 2), segment(4, 0)])
    )
    assert results['targets'].masks.id_map.tolist() == [[3, 1, 4, 2, 0]]
    assert results['targets'].labels.tolist() == [0, 0, 2, 2]
    assert results['targets'].masks.id_map.dtype == torch.uint8


def test_what_a_crop_removed_is_no_target():
    results = SampleTask(probabilities={'panoptic': 1})(
        sample([[3, 3, 1]], [segment(1, 0), segment(2, 1), segment(3, 3)])
    )
    assert results['targets'].labels.tolist() == [0, 3]
    assert results['targets'].masks.id_map.tolist() == [[2, 2, 1]]


@pytest.mark.parametrize('task', ALL)
@pytest.mark.parametrize(
    ('seg_map', 'segments'),
    [([[0, 0]], []), ([[1, 1]], [segment(1, 0, iscrowd=1)])],
    ids=['nothing', 'all crowd'],
)
def test_images_without_a_target(task, seg_map, segments):
    results = SampleTask(probabilities={task: 1})(sample(seg_map, segments))
    assert results['targets'].labels.shape == (0,)
    assert results['targets'].labels.dtype == torch.int64
    assert results['targets'].masks.id_map.tolist() == [[0, 0]]
    assert results['targets'].texts == []


def test_no_target_is_dropped_however_many_there_are():
    numbers = np.arange(1, 301).reshape(15, 20).astype(np.uint16)
    seg_map = skip_fill(numbers, 300)
    data = sample(np.zeros((1, 1)), [segment(n, 0) for n in range(1, 301)]) | {'gt_seg_map': seg_map}
    results = SampleTask(probabilities={'instance': 1})(data)
    np.testing.assert_array_equal(results['targets'].masks.id_map, numbers)
    assert results['targets'].texts == ['a photo with a cat'] * 300


def drawn(transform, tasks=ALL, count=3000):
    counts = Counter(transform(sample([[1]], [segment(1, 0)], tasks=tasks))['targets'].task for _ in range(count))
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


def test_annotation_that_supports_none_of_the_tasks():
    with pytest.raises(ValueError, match=r"supports the tasks \['panoptic', 'semantic'\]"):
        SampleTask(probabilities={'instance': 1})(sample([[1]], [segment(1, 1)], tasks=('panoptic', 'semantic')))


def test_image_without_annotation():
    with pytest.raises(KeyError, match='a.jpg has no gt_seg_map'):
        SampleTask()({'img_path': 'a.jpg'})


def overlapping_sample():
    """Values of the map: 0 none, 1 cat, 2 the first dog, 3 cat and first dog, 4 crowd, 5 crowd and second dog."""
    members = np.zeros((6, 4), bool)
    members[1, 0] = members[2, 1] = members[4, 2] = members[5, 3] = True
    members[3, :2] = members[5, 2] = True
    segments = [segment(1, 0), segment(2, 2), segment(3, 0, iscrowd=1), segment(4, 2)]
    return sample([[0, 1, 3, 2], [4, 5, 5, 0]], segments, tasks=('instance',)) | {'gt_members': members}


def test_instances_that_overlap():
    results = SampleTask()(overlapping_sample())
    assert (results['targets'].task, results['targets'].labels.tolist()) == ('instance', [0, 2, 2])
    cat, first, second = results['targets'].masks.dense().int().tolist()
    assert cat == [[0, 1, 1, 0], [0, 0, 0, 0]]
    assert first == [[0, 0, 1, 1], [0, 0, 0, 0]]
    assert second == [[0, 0, 0, 0], [0, 1, 1, 0]]


def test_overlap_with_a_crowd_alone_is_a_plain_map():
    results = overlapping_sample()
    results['segments'][0]['iscrowd'] = 1
    results = SampleTask()(results)
    assert results['targets'].masks.id_map.tolist() == [[0, 0, 1, 1], [0, 2, 2, 0]]
    assert results['targets'].masks.members is None


def test_instances_that_a_crop_removed():
    results = overlapping_sample()
    results['gt_seg_map'] = results['gt_seg_map'][:, :1]
    assert SampleTask()(results)['targets'].labels.tolist() == []


@pytest.mark.parametrize(('task', 'expected'), [('panoptic', [1, 2]), ('semantic', [1, 2]), ('instance', [2])])
def test_classes_that_are_not_labeled(task, expected):
    """Stuff is no target of the instance task, whether it is labeled or not."""
    results = SampleTask(probabilities={task: 1})(sample([[1]], [segment(1, 0)]) | {'unlabeled_ids': (1, 2)})
    assert results['targets'].unlabeled == expected


def test_all_classes_are_labeled_by_default():
    assert SampleTask()(sample([[1]], [segment(1, 0)]))['targets'].unlabeled == []


@pytest.mark.parametrize(
    ('task', 'labels', 'target_map', 'unlabeled'),
    [('panoptic', [1], [[0, 1, 0]], [0, 2, 3]), ('semantic', [0, 1], [[1, 2, 0]], [3])],
)
def test_label_maps_do_not_separate_things(task, labels, target_map, unlabeled):
    """They have the stuff of the panoptic task; their things are neither targets nor background."""
    labeled = sample([[1, 2, 0]], [segment(1, 0), segment(2, 1)]) | {'annotation': 'semantic', 'unlabeled_ids': (3,)}
    results = SampleTask(probabilities={task: 1})(labeled)
    assert results['targets'].labels.tolist() == labels
    assert results['targets'].masks.id_map.tolist() == target_map
    assert results['targets'].unlabeled == unlabeled


def test_a_task_of_things_merged_by_class(monkeypatch):
    """A task added from outside follows from its columns, whatever the annotation."""
    monkeypatch.setitem(TASKS, 'part', Task('part', filler='a part photo', things_only=True, merges_classes=True))
    found = SampleTask()(overlapping_sample() | {'tasks': ('part',)})['targets']
    assert (found.task, found.labels.tolist()) == ('part', [0, 2])
    cat, dogs = found.masks.dense().int().tolist()
    assert cat == [[0, 1, 1, 0], [0, 0, 0, 0]]
    assert dogs == [[0, 0, 1, 1], [0, 1, 1, 0]]


def test_image_and_map_of_different_sizes():
    results = sample([[1, 1, 0]], [segment(1, 0)]) | {'img': np.zeros((2, 3, 3), np.uint8), 'img_path': 'a.jpg'}
    with pytest.raises(ValueError, match=r'a\.jpg has height and width \(2, 3\) before .* gt_seg_map has \(1, 3\)'):
        SampleTask()(results)


def test_images_mixed_by_mmseg():
    """In mmseg's ``MultiImageMixDataset``, which calls the transform after the data set."""
    results = sample([[1, 1]], [segment(1, 0)]) | {'ori_shape': (2, 4, 3), 'img_path': 'a.jpg'}
    with pytest.raises(ValueError, match=r'a\.jpg was mixed with other images by mmseg\.RandomMosaic'):
        SampleTask()(results)
