import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.results.coco_files import CocoFiles

METAINFO = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,)})
MASK = np.zeros((4, 6), np.uint8)
MASK[1:3, 2:5] = 1


def instance(score):
    run_lengths = coco_mask.encode(np.asfortranarray(MASK))
    return {
        'category_id': 1,
        'score': score,
        'bbox': [2, 1, 3, 2],
        'segmentation': run_lengths | {'counts': run_lengths['counts'].decode()},
    }


@pytest.fixture
def files(tmp_path):
    files = CocoFiles(tmp_path, METAINFO)
    for name, scores in {'one': [0.9, 0.8], 'two': [], 'three': [0.7]}.items():
        image_id = files.add_image(name, (4, 6))
        files.add_panoptic(image_id, f'{name}_panoptic.png', [{'id': image_id}])
        files.add_instances(image_id, [instance(score) for score in scores])
    files.close()
    return tmp_path


def test_pycocotools_reads_the_instances(files, capsys):
    coco = COCO(str(files / 'instances.json'))
    assert coco.getImgIds() == [1, 2, 3]
    assert [len(coco.getAnnIds(imgIds=[image_id])) for image_id in (1, 2, 3)] == [2, 0, 1]
    (annotation,) = coco.loadAnns(coco.getAnnIds(imgIds=[3], catIds=[1]))
    assert (annotation['score'], annotation['area']) == (0.7, 6)
    np.testing.assert_array_equal(coco.annToMask(annotation), MASK)


def test_panoptic(files):
    content = json.loads((files / 'panoptic.json').read_text())
    assert [category['name'] for category in content['categories']] == ['sky', 'cat']
    assert content['images'][2] == {'id': 3, 'file_name': 'three', 'height': 4, 'width': 6}
    assert content['annotations'][1] == {
        'image_id': 2,
        'file_name': 'two_panoptic.png',
        'segments_info': [{'id': 2}],
    }


def test_no_file_of_what_is_not_there(tmp_path):
    files = CocoFiles(tmp_path, METAINFO)
    files.add_image('one', (4, 6))
    files.close()
    assert not list(tmp_path.iterdir())
