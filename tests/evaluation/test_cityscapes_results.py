import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData, PixelData

META = {'classes': ('road', 'car', 'bicycle'), 'thing_ids': (1, 2)}  # label ids 7, 26, 33
TASKS = {'CityscapesSemanticResults': 'semantic', 'CityscapesInstanceResults': 'instance'}


def make_sample(token=None):
    tokens = {task: token or task for task in TASKS.values()}
    sample = DetDataSample(metainfo={'img_path': 'val/ulm/ulm_000001_000002_leftImg8bit.png', 'task_tokens': tokens})
    labels = torch.tensor([[[0, 1, 1], [2, 0, 0]]])
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)
    masks = torch.tensor([[[1, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 1]]], dtype=torch.bool)
    sample.pred_instances = InstanceData(masks=masks, labels=torch.tensor([2, 1]), scores=torch.tensor([0.75, 0.5]))
    return sample


def write(kind, sample, out_dir, meta=META):
    evaluator = Evaluator([{'type': f'mmoneformer.{kind}', 'out_dir': str(out_dir)}])
    evaluator.dataset_meta = meta
    evaluator.process([sample])
    assert evaluator.evaluate(1) == {}


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def test_semantic_files_hold_label_ids(tmp_path):
    write('CityscapesSemanticResults', make_sample(), tmp_path / 'new')
    np.testing.assert_array_equal(read(tmp_path / 'new/ulm_000001_000002_leftImg8bit.png'), [[7, 26, 26], [33, 7, 7]])


def test_instance_files_hold_masks_label_ids_and_scores(tmp_path):
    write('CityscapesInstanceResults', make_sample(), tmp_path / 'new')
    stem = 'ulm_000001_000002_leftImg8bit'
    lines = (tmp_path / 'new' / f'{stem}_pred.txt').read_text().splitlines()
    assert lines == [f'{stem}_0.png 33 0.75', f'{stem}_1.png 26 0.5']
    np.testing.assert_array_equal(read(tmp_path / 'new' / f'{stem}_0.png') > 0, [[1, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(read(tmp_path / 'new' / f'{stem}_1.png') > 0, [[0, 0, 0], [0, 1, 1]])


def test_image_without_instances_has_an_empty_file(tmp_path):
    sample = make_sample()
    sample.pred_instances = sample.pred_instances[:0]
    write('CityscapesInstanceResults', sample, tmp_path / 'new')
    assert (tmp_path / 'new/ulm_000001_000002_leftImg8bit_pred.txt').read_text() == ''


@pytest.mark.parametrize('kind', TASKS)
def test_images_of_one_name(kind, tmp_path):
    evaluator = Evaluator([{'type': f'mmoneformer.{kind}', 'out_dir': str(tmp_path)}])
    evaluator.dataset_meta = META
    for _ in range(2):
        for city in 'ab':
            sample = make_sample()
            sample.set_metainfo({'img_path': f'{city}/x.png'})
            evaluator.process([sample])
        evaluator.evaluate(2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name for name in names if not name[-5].isdigit() or kind == 'CityscapesSemanticResults'] == {
        'CityscapesSemanticResults': ['x.png', 'x_2.png'],
        'CityscapesInstanceResults': ['x_2_pred.txt', 'x_pred.txt'],
    }[kind]


@pytest.mark.parametrize(('kind', 'task'), TASKS.items())
def test_other_token_and_other_classes_are_refused(kind, task, tmp_path):
    with pytest.raises(ValueError, match=f"the {task} result was predicted with the token of task 'panoptic'"):
        write(kind, make_sample(token='panoptic'), tmp_path)
    with pytest.raises(ValueError, match=r"\['cow'\] are not classes of cityscapes"):
        write(kind, make_sample(), tmp_path, META | {'classes': ('road', 'cow', 'car')})
