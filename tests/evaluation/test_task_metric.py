import numpy as np
import pytest
import torch

from mmoneformer.evaluation.task_metric import check_ground_truth, check_task_token, panoptic_ground_truth, tells

SAMPLE = {
    'img_id': 3,
    'img_path': 'a.jpg',
    'task_tokens': {'panoptic': 'panoptic', 'instance': 'semantic'},
    'gt_panoptic_seg': {'sem_seg': torch.tensor([[[0, 1, 700], [2, 2, 2]]], dtype=torch.uint16)},
    'segments': [{'id': 1, 'label': 0, 'iscrowd': 0}],
}


def test_own_token_is_accepted():
    check_task_token(SAMPLE, 'panoptic', any_token=False)


def test_other_token_is_refused_unless_asked_for():
    with pytest.raises(ValueError, match=r"image 3 \(a.jpg\): the instance result .* 'semantic'"):
        check_task_token(SAMPLE, 'instance', any_token=False)
    check_task_token(SAMPLE, 'instance', any_token=True)


@pytest.mark.parametrize('sample', [SAMPLE, {}])
def test_unknown_token_is_refused(sample):
    with pytest.raises(ValueError, match="Add 'semantic' to model.test_cfg.tasks"):
        check_task_token(sample, 'semantic', any_token=False)


def test_ground_truth_is_read_as_wide_integers():
    id_map, segments = panoptic_ground_truth(SAMPLE, (2, 3))
    np.testing.assert_array_equal(id_map * 100_000, [[0, 100_000, 70_000_000], [200_000, 200_000, 200_000]])
    assert segments == SAMPLE['segments']


def test_missing_ground_truth_names_the_remedy():
    with pytest.raises(ValueError, match='gt_sem_seg: LoadPanopticMap must stand in the test pipeline, after Resize'):
        check_ground_truth(SAMPLE, 'gt_sem_seg')


def test_ground_truth_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r'image 3 \(a.jpg\): the prediction is \(3, 2\) .* ground truth \(2, 3\)'):
        panoptic_ground_truth(SAMPLE, (3, 2))


def test_annotations_tell_the_tasks_that_they_name():
    assert tells({'tasks': ('instance',)}, 'instance')
    assert not tells({'tasks': ('instance',)}, 'semantic')
    assert tells({}, 'semantic')
