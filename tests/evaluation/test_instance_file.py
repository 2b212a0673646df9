import json

import pytest
from pycocotools import mask as coco_mask

from mmoneformer.evaluation.instance_file import InstanceFile

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
    with pytest.raises(ValueError, match=r"categories \['windowpane'\] of .*instances.json are no classes"):
        InstanceFile(str(path), ['bed'], dataset='ade20k')


def test_category_of_another_data_set_is_refused(path):
    with pytest.raises(ValueError, match=r"\['cat'\] of .*instances.json are no classes"):
        InstanceFile(path, ['dog', 'sky'])
