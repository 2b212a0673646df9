import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from mmoneformer_deploy.coco import (
    CocoFile,
    coco_categories,
    coco_instances,
    coco_segments,
    instance_annotations,
    panoptic_annotations,
)
from mmoneformer_deploy.result_files import JSON_MARK, is_result

METAINFO = {'classes': ('sky', 'cat'), 'thing_ids': (1,)}
MASK = np.zeros((4, 6), np.uint8)
MASK[1:3, 2:5] = 1


def test_categories():
    assert coco_categories(METAINFO) == [
        {'id': 0, 'name': 'sky', 'isthing': 0},
        {'id': 1, 'name': 'cat', 'isthing': 1},
    ]


def test_segments():
    segment = {
        'id': 3,
        'label': 1,
        'class_name': 'cat',
        'is_thing': True,
        'area': 40,
        'score': 0.5,
        'bbox': [2, 3, 12, 8],
    }
    assert coco_segments({'segments': [segment]}) == [
        {'id': 3, 'category_id': 1, 'isthing': 1, 'area': 40, 'score': 0.5, 'bbox': [2, 3, 10, 5], 'iscrowd': 0}
    ]


def test_instances():
    masks = [{'size': [2, 3], 'counts': '04'}, {'size': [2, 3], 'counts': '13'}]
    instances = dict(
        labels=[1, 0], scores=[0.9, 0.5], bboxes=[[1.0, 0.0, 3.0, 2.0], [0.0, 0.0, 2.0, 1.0]], masks=masks
    )
    assert coco_instances(instances) == [
        {'category_id': 1, 'score': 0.9, 'bbox': [1, 0, 2, 2], 'segmentation': masks[0]},
        {'category_id': 0, 'score': 0.5, 'bbox': [0, 0, 2, 1], 'segmentation': masks[1]},
    ]
    assert [entry['track_id'] for entry in coco_instances(instances | {'ids': [7, 0]})] == [7, 0]


def instance(score):
    run_lengths = coco_mask.encode(np.asfortranarray(MASK))
    return {
        'category_id': 1,
        'score': score,
        'bbox': [2, 1, 3, 2],
        'segmentation': run_lengths | {'counts': run_lengths['counts'].decode()},
    }


@pytest.fixture
def folder(tmp_path):
    """With the files of three images."""
    panoptic, instances = (CocoFile(tmp_path / name, METAINFO) for name in ('panoptic.json', 'instances.json'))
    images = []
    for image_id, (name, scores) in enumerate({'one': [0.9, 0.8], 'two': [], 'three': [0.7]}.items(), start=1):
        images.append({'id': image_id, 'file_name': name, 'height': 4, 'width': 6})
        content = {'file_name': f'{name}_panoptic.png', 'segments_info': [{'id': image_id}]}
        for annotation in panoptic_annotations(content, image_id, panoptic.count + 1):
            panoptic.append(annotation)
        content = [instance(score) for score in scores]
        for annotation in instance_annotations(content, image_id, instances.count + 1):
            instances.append(annotation)
    panoptic.close(images)
    instances.close(images)
    return tmp_path


def test_pycocotools_reads_the_instances(folder, capsys):
    coco = COCO(str(folder / 'instances.json'))
    assert coco.getImgIds() == [1, 2, 3]
    assert [len(coco.getAnnIds(imgIds=[image_id])) for image_id in (1, 2, 3)] == [2, 0, 1]
    (annotation,) = coco.loadAnns(coco.getAnnIds(imgIds=[3], catIds=[1]))
    assert (annotation['id'], annotation['score'], annotation['area']) == (3, 0.7, 6)
    np.testing.assert_array_equal(coco.annToMask(annotation), MASK)


def test_panoptic_file(folder):
    content = json.loads((folder / 'panoptic.json').read_text())
    assert content['categories'] == coco_categories(METAINFO)
    assert content['images'][2] == {'id': 3, 'file_name': 'three', 'height': 4, 'width': 6}
    assert content['annotations'][1] == {
        'image_id': 2,
        'file_name': 'two_panoptic.png',
        'segments_info': [{'id': 2}],
    }


def test_a_file_without_annotations(tmp_path):
    CocoFile(tmp_path / 'x.json', METAINFO).close([])
    content = json.loads((tmp_path / 'x.json').read_text())
    assert content == JSON_MARK | {'categories': coco_categories(METAINFO), 'annotations': [], 'images': []}


def test_replaces_an_earlier_file_once_closed(tmp_path):
    path = tmp_path / 'x.json'
    path.write_text('earlier')
    file = CocoFile(path, METAINFO)
    file.append({'id': 1})
    assert path.read_text() == 'earlier'
    file.close([])
    assert json.loads(path.read_text())['annotations'] == [{'id': 1}]
    assert [found.name for found in tmp_path.iterdir()] == ['x.json']


def test_a_disk_that_is_full(tmp_path):
    """The error names the file, and what could not be written completely is not taken for a result."""
    path = tmp_path / 'x.json'
    file = CocoFile(path, METAINFO)
    file._file.close()
    file._file = open('/dev/full', 'w', buffering=1)  # noqa: SIM115
    with pytest.raises(OSError, match=r'No space left on device: .*x\.json'):
        file.append({'id': 1})
    file.close([])
    assert not path.exists()


def test_has_the_mark(folder):
    assert is_result(folder / 'panoptic.json')
