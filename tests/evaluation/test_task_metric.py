import numpy as np
import pytest
import torch

from mmoneformer.evaluation.task_metric import (
    ResultsMetric,
    TaskMetric,
    check_ground_truth,
    check_task_token,
    is_annotated,
    panoptic_ground_truth,
)
from mmoneformer.result_images import write_png

SAMPLE = {
    'img_id': 3,
    'img_path': 'a.jpg',
    'task_tokens': {'panoptic': 'panoptic', 'instance': 'semantic'},
    'gt_panoptic_seg': {'id_map': torch.tensor([[[0, 1, 700], [2, 2, 2]]], dtype=torch.uint16)},
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
    with pytest.raises(ValueError, match='gt_sem_seg: the test pipeline needs LoadPanopticMap after Resize'):
        check_ground_truth(SAMPLE, 'gt_sem_seg')


def test_ground_truth_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r'image 3 \(a.jpg\): the prediction is \(3, 2\) .* ground truth \(2, 3\)'):
        panoptic_ground_truth(SAMPLE, (3, 2))


def test_annotations_have_the_tasks_that_they_name():
    assert is_annotated({'tasks': ('instance',)}, 'instance')
    assert not is_annotated({'tasks': ('instance',)}, 'semantic')
    assert is_annotated({}, 'semantic')


class CountImages(TaskMetric):
    task = 'instance'

    def process_image(self, sample):
        self.results.append(sample['img_id'])

    def compute(self, results):
        return {'images': len(results), 'sum': sum(results)}


def sample_of(number, *tasks, token='instance'):
    return {'img_id': number, 'tasks': tasks, 'task_tokens': {'instance': token}}


def measure(metric, *samples):
    metric.process({}, samples)
    assert None not in metric.results  # mmengine would drop it where it merges processes
    assert len(metric.results) == len(samples)
    return metric.evaluate(len(samples))


def test_images_without_the_task_are_skipped():
    samples = [sample_of(3, 'instance', 'semantic'), sample_of(4, 'semantic'), sample_of(5, 'instance')]
    assert measure(CountImages(), *samples) == {'images': 2, 'sum': 8}


def test_result_files_are_written_without_ground_truth():
    metric = CountImages()
    metric.needs_ground_truth = False
    assert measure(metric, sample_of(4, 'semantic')) == {'images': 1, 'sum': 4}


def test_each_image_must_have_the_own_token():
    with pytest.raises(ValueError, match="the instance result was predicted with the token of task 'panoptic'"):
        measure(CountImages(), sample_of(3, 'instance'), sample_of(4, 'instance', token='panoptic'))
    assert measure(CountImages(any_token=True), sample_of(4, 'instance', token='panoptic'))['images'] == 1


def test_names_of_files(tmp_path):
    """Each once in an evaluation, and the same in the next one."""

    class Writer(ResultsMetric):
        task = 'instance'

        def process_image(self, sample):
            name = self.claim_name(sample, lambda name: [f'{name}.png'])
            write_png(tmp_path / f'{name}.png', np.zeros((2, 3), np.uint8))
            self.results.append(name)

        def compute(self, results):
            return dict.fromkeys(results, 0)

    (tmp_path / 'b.png').write_text("the user's")
    samples = [sample_of(0, 'semantic') | {'img_path': path} for path in ('x/a.jpg', 'y/a.jpg', 'z/b.jpg')]
    metric = Writer(folder=tmp_path)
    for _ in range(2):
        assert measure(metric, *samples).keys() == {'a', 'a_2', 'b_2'}
    assert (tmp_path / 'b.png').read_text() == "the user's"
