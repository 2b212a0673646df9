import numpy as np
import pytest

from mmoneformer.tasks import TASKS
from mmoneformer_deploy.mask_tiles import MaskGeometry
from mmoneformer_deploy.run_lengths import decode_mask
from mmoneformer_deploy.task_results import RESULTS, ImageLogits, check_tasks, classes_of

GEOMETRY = MaskGeometry((32, 64), (32, 64), (16, 32))


@pytest.fixture
def logits():
    """A cat on the left, a dog on the right, and road everywhere, of which the animals leave the middle."""
    classes = np.full((3, 5), -9, np.float32)
    classes[[0, 1, 2], [1, 3, 2]] = 9
    masks = np.full((3, 8, 16), -9, np.float32)
    masks[0, :, :2], masks[1, :, 14:], masks[2] = 9, 9, 1
    return ImageLogits(classes, masks, GEOMETRY)


def test_panoptic(logits, description):
    panoptic = RESULTS['panoptic'](logits, description)
    assert [segment['class_name'] for segment in panoptic['segments']] == ['road', 'cat', 'dog']
    assert [segment['is_thing'] for segment in panoptic['segments']] == [False, True, True]
    assert panoptic['id_map'][0, [0, 16, 31]].tolist() == [2, 1, 3]


def test_instance(logits, description):
    instances = RESULTS['instance'](logits, description)
    assert set(instances['class_names'][:2]) == {'cat', 'dog'}
    cat = instances['class_names'].index('cat')
    assert instances['bboxes'][cat] == [0, 0, 4, 16]
    assert decode_mask(instances['masks'][cat]).sum() == 4 * 16
    assert instances['scores'][0] == pytest.approx(1, abs=0.05)


def test_semantic(logits, description):
    labels = RESULTS['semantic'](logits, description)['label_map']
    assert labels[0, [0, 16, 31]].tolist() == [1, 2, 3]


def test_classes(description):
    assert classes_of(description)['thing_ids'] == [1, 3]


def test_tasks_are_those_of_mmoneformer():
    assert list(RESULTS) == list(TASKS)


def test_names_of_tasks():
    assert check_tasks(None, ['semantic', 'panoptic', 'part']) == ['semantic', 'panoptic']
    assert check_tasks(iter(['instance', 'instance']), list(TASKS)) == ['instance']
    with pytest.raises(ValueError, match=r"unknown tasks \['part'\]: choose one or more of \['panoptic'\]"):
        check_tasks(['part'], ['panoptic', 'part'])
    with pytest.raises(ValueError, match=r'unknown tasks \[\]: choose one'):
        check_tasks([], list(TASKS))
    with pytest.raises(TypeError, match='tasks must be a list of names, for example'):
        check_tasks('semantic', list(TASKS))
