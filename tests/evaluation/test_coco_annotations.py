import json

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from mmoneformer.evaluation.coco_annotations import (
    InstanceFile,
    encode_ground_truth,
    encode_masks,
    encode_predictions,
    encode_segments,
)

SQUARE = [[1.0, 1.0, 4.0, 1.0, 4.0, 3.0, 1.0, 3.0]]


@pytest.fixture
def path(tmp_path):
    content = {
        'images': [{'id': 7, 'height': 6, 'width': 9}, {'id': 8, 'height': 6, 'width': 9}],
        'categories': [{'id': 90, 'name': 'cat'}, {'id': 3, 'name': 'dog'}],
        'annotations': [
            {'id': 1, 'image_id': 7, 'category_id': 3, 'segmentation': SQUARE, 'area': 6.5, 'iscrowd': 0},
            {
                'id': 2,
                'image_id': 7,
                'category_id': 90,
                'segmentation': {'size': [6, 9], 'counts': [0, 6, 48]},
                'area': 6,
                'iscrowd': 1,
            },
        ],
    }
    (tmp_path / 'instances.json').write_text(json.dumps(content))
    return str(tmp_path / 'instances.json')


def test_annotations_of_an_image(path, capsys):
    dog, cats = InstanceFile(path, ['sky', 'cat', 'dog']).annotations(7)
    assert (dog['category_id'], dog['area'], dog['iscrowd']) == (2, 6.5, 0)
    assert coco_mask.decode(dog['segmentation'])[1:3, 1:4].all()
    assert coco_mask.area(dog['segmentation']) == 6
    assert (cats['category_id'], cats['iscrowd']) == (1, 1)
    assert coco_mask.decode(cats['segmentation'])[:, 0].all()
    assert capsys.readouterr().out == ''


def test_image_without_instances_and_unknown_image(path):
    instances = InstanceFile(path, ['cat', 'dog'])
    assert instances.annotations(8) == []
    with pytest.raises(ValueError, match=r'instances.json has no image 9: it must be of the split'):
        instances.annotations(9)


def test_categories_by_the_ids_of_a_data_set(tmp_path):
    """As in the json of detectron2's users, whose names of ADE20K's classes are others."""
    content = {
        'images': [{'id': 'ADE_val_00000001', 'height': 6, 'width': 9}],
        'categories': [{'id': 8, 'name': 'windowpane'}],
        'annotations': [
            {
                'id': 1,
                'image_id': 'ADE_val_00000001',
                'category_id': 8,
                'segmentation': {'size': [6, 9], 'counts': '06`1'},
                'area': 6,
                'iscrowd': 0,
            }
        ],
    }
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(content))
    (window,) = InstanceFile(str(path), ['bed', 'window '], dataset='ade20k').annotations('ADE_val_00000001')
    assert window['category_id'] == 1
    assert coco_mask.decode(window['segmentation'])[:, 0].all()
    with pytest.raises(ValueError, match=r"categories \['windowpane'\] of .*instances.json are not classes"):
        InstanceFile(str(path), ['bed'], dataset='ade20k')


def test_category_of_another_data_set_is_refused(path):
    with pytest.raises(ValueError, match=r"\['cat'\] of .*instances.json are not classes"):
        InstanceFile(path, ['dog', 'sky'])


def test_run_lengths_equal_those_of_pycocotools_mask_by_mask():
    masks = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0)) > 0.5
    for code, mask in zip(encode_masks(masks), masks, strict=True):
        assert code == coco_mask.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))


def test_no_mask():
    assert encode_masks(torch.zeros(0, 5, 7, dtype=torch.bool)) == []


def decoded(annotation):
    return coco_mask.decode(annotation['segmentation']).tolist()


def test_segments_of_some_labels():
    segments = [{'label': 2, 'iscrowd': 0}, {'label': 0, 'iscrowd': 0}, {'label': 4, 'iscrowd': 1}]
    first, second = encode_segments(torch.tensor([[1, 2, 3, 3]]), segments, (2, 4))
    assert (first['category_id'], first['iscrowd'], first['area'], decoded(first)) == (2, 0, 1, [[1, 0, 0, 0]])
    assert (second['category_id'], second['iscrowd'], second['area'], decoded(second)) == (4, 1, 2, [[0, 0, 1, 1]])


def test_instances():
    masks = torch.tensor([[[1, 1, 0]], [[0, 1, 1]]], dtype=torch.bool)
    instances = {'masks': masks, 'labels': torch.tensor([3, 1])}
    truth = encode_ground_truth(instances | {'iscrowd': torch.tensor([0, 1])})
    found = encode_predictions(instances | {'scores': torch.tensor([0.5, 0.25])})
    for annotations in (truth, found):
        assert [(item['category_id'], item['area'], decoded(item)) for item in annotations] == [
            (3, 2, [[1, 1, 0]]),
            (1, 2, [[0, 1, 1]]),
        ]
    assert [item['iscrowd'] for item in truth] == [0, 1]
    assert [(item['score'], item['iscrowd']) for item in found] == [(0.5, 0), (0.25, 0)]
