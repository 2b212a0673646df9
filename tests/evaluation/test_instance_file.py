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


def test_category_of_another_data_set_is_refused(path):
    with pytest.raises(ValueError, match=r"\['cat'\] of .*instances.json are no classes"):
        InstanceFile(path, ['dog', 'sky'])
