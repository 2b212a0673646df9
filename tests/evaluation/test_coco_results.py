import json

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData, PixelData
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

CLASSES = ('person', 'grass-merged', 'sky-other-merged')  # category ids 1, 193, 187
META = {'classes': CLASSES, 'thing_ids': (0,)}
VOID = 3


def make_sample(number, token=None):
    tokens = {task: token or task for task in ('panoptic', 'instance')}
    return DetDataSample(metainfo={'img_id': number, 'img_path': f'val/{number:03}.jpg', 'task_tokens': tokens})


def write(kind, samples, **options):
    evaluator = Evaluator([{'type': f'mmoneformer.{kind}', **options}])
    evaluator.dataset_meta = META
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples))


def test_panoptic_files_say_what_was_predicted(tmp_path):
    predictions = [
        [[1, 1, 1000, 1000, 2000], [1, VOID, 1000, 2, 2]],
        [[VOID, VOID, VOID], [VOID, VOID, VOID]],
    ]
    samples = [make_sample(number) for number in (7, 8)]
    for sample, prediction in zip(samples, predictions, strict=True):
        sample.pred_panoptic_seg = PixelData(sem_seg=torch.tensor([prediction]))
    prefix = tmp_path / 'new' / 'swin'
    assert write('CocoPanopticResults', samples, dataset='coco', outfile_prefix=str(prefix)) == {}

    first, second = json.loads((tmp_path / 'new/swin.panoptic.json').read_text())['annotations']
    assert (first['image_id'], first['file_name']) == (7, '007.png')
    colors = cv2.imread(str(tmp_path / 'new/swin.panoptic/007.png')).astype(int)  # BGR
    ids = colors[..., 2] + 256 * colors[..., 1] + 65536 * colors[..., 0]
    category_of = {segment['id']: segment['category_id'] for segment in first['segments_info']} | {0: None}
    categories = [[category_of[segment_id] for segment_id in row] for row in ids.tolist()]
    assert categories == [[193, 193, 1, 1, 1], [193, None, 1, 187, 187]]
    assert ids[0, 2] == ids[1, 2] != ids[0, 4]  # two persons
    assert len(first['segments_info']) == 4
    assert second['segments_info'] == []


def test_instance_file_is_what_pycocotools_loads(tmp_path):
    masks = torch.rand(2, 6, 9, generator=torch.Generator().manual_seed(0)) > 0.5
    sample, empty = make_sample(7), make_sample(8)
    sample.pred_instances = InstanceData(masks=masks, labels=torch.tensor([0, 0]), scores=torch.tensor([0.75, 0.5]))
    empty.pred_instances = InstanceData(masks=masks[:0], labels=torch.zeros(0).long(), scores=torch.zeros(0))
    write('CocoInstanceResults', [sample, empty], dataset='coco', outfile_prefix=str(tmp_path / 'swin'))

    coco = COCO()
    coco.dataset = {
        'images': [{'id': 7, 'height': 6, 'width': 9}, {'id': 8}],
        'annotations': [],
        'categories': [{'id': 1}],
    }
    coco.createIndex()
    loaded = coco.loadRes(str(tmp_path / 'swin.segm.json')).dataset['annotations']
    assert [(entry['image_id'], entry['category_id'], entry['score']) for entry in loaded] == [
        (7, 1, 0.75),
        (7, 1, 0.5),
    ]
    for entry, mask in zip(loaded, masks, strict=True):
        np.testing.assert_array_equal(coco_mask.decode(entry['segmentation']), mask)


@pytest.mark.parametrize('kind', ['CocoPanopticResults', 'CocoInstanceResults'])
def test_other_token_and_other_classes_are_refused(kind, tmp_path):
    options = {'outfile_prefix': str(tmp_path / 'swin')}
    with pytest.raises(ValueError, match="was predicted with the token of task 'semantic'"):
        write(kind, [make_sample(7, token='semantic')], dataset='coco', **options)
    with pytest.raises(ValueError, match='are not classes of cityscapes'):
        write(kind, [make_sample(7)], dataset='cityscapes', **options)


def test_images_of_one_name(tmp_path):
    samples = [make_sample(number) for number in (7, 8)]
    for number, sample in enumerate(samples):
        sample.set_metainfo({'img_path': f'{number}/a.jpg'})
        sample.pred_panoptic_seg = PixelData(sem_seg=torch.full((1, 2, 3), number))
    write('CocoPanopticResults', samples, dataset='coco', outfile_prefix=str(tmp_path / 'x'))
    entries = json.loads((tmp_path / 'x.panoptic.json').read_text())['annotations']
    assert [entry['file_name'] for entry in entries] == ['a.png', 'a_2.png']
    assert sorted(path.name for path in (tmp_path / 'x.panoptic').iterdir()) == ['a.png', 'a_2.png']
