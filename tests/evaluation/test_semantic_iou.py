import mmoneformer  # noqa: F401  # isort: skip  # before mmdet
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData


def make_sample(prediction, truth, token='semantic'):
    sample = DetDataSample(metainfo={'img_id': 1, 'task_tokens': {'semantic': token}})
    sample.pred_sem_seg = PixelData(data=torch.tensor([prediction]))
    if truth is not None:
        sample.gt_sem_seg = PixelData(data=torch.tensor([truth]))
    return sample


def make_evaluator(**kwargs):
    evaluator = Evaluator([{'type': 'mmoneformer.SemanticIoU', **kwargs}])
    evaluator.dataset_meta = {'classes': ('sky', 'sea', 'sand')}
    return evaluator


PREDICTION = [[0, 0, 0, 1], [0, 1, 1, 1]]
TRUTH = [[0, 0, 1, 1], [255, 255, 1, 1]]


def test_mean_iou_leaves_out_void_and_absent_classes():
    evaluator = make_evaluator()
    evaluator.process([make_sample(PREDICTION, TRUTH)])
    # sky 2 / 3, sea 3 / 4, sand nowhere
    assert evaluator.evaluate(1) == pytest.approx({'mIoU': 70.83, 'mAcc': 87.5, 'aAcc': 83.33})


def test_other_token_is_refused_unless_asked_for():
    sample = make_sample(PREDICTION, TRUTH, token='instance')
    with pytest.raises(ValueError, match="semantic result was predicted with the token of task 'instance'"):
        make_evaluator().process([sample])
    evaluator = make_evaluator(any_token=True)
    evaluator.process([sample])
    assert evaluator.evaluate(1)['mIoU'] == pytest.approx(70.83)


def test_missing_ground_truth_is_refused():
    with pytest.raises(ValueError, match='LoadPanopticMap'):
        make_evaluator().process([make_sample(PREDICTION, None)])


def test_writing_results_needs_no_ground_truth(tmp_path):
    evaluator = make_evaluator(format_only=True, output_dir=str(tmp_path))
    sample = make_sample(PREDICTION, None)
    sample.set_metainfo({'img_path': 'a.jpg'})
    evaluator.process([sample])
    assert (tmp_path / 'a.png').exists()


def test_images_of_other_annotations_are_left_out():
    evaluator = make_evaluator()
    other = make_sample(PREDICTION, None)
    other.set_metainfo({'tasks': ('instance',)})
    evaluator.process([make_sample(PREDICTION, TRUTH), other])
    assert evaluator.evaluate(2)['mIoU'] == pytest.approx(70.83)
    evaluator = make_evaluator()
    evaluator.process([other])
    assert evaluator.evaluate(1) == {}
