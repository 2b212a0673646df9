import json

import pytest

from mmoneformer_deploy.coco_files import CocoFiles
from mmoneformer_deploy.result_files import FreeNames
from mmoneformer_deploy.task_files import TASK_FILES

CLASSES = {'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60)]}
INSTANCE = {'category_id': 1, 'score': 0.5, 'bbox': [1, 0, 2, 2], 'segmentation': {'size': [2, 3], 'counts': '04'}}


def content(name, instances):
    return {'name': name, 'image': {'file_name': f'{name}.jpg', 'height': 2, 'width': 3}, 'instances': instances}


@pytest.fixture
def files(tmp_path):
    return CocoFiles(tmp_path, CLASSES, {'instance': TASK_FILES['instance']}, FreeNames(tmp_path))


def test_images_in_their_order(files, tmp_path):
    for name, instances in (('b', [INSTANCE] * 2), ('a', []), ('c', [INSTANCE])):
        files.add(content(name, instances))
    files.close()
    written = json.loads((tmp_path / 'instances.json').read_text())
    assert written['images'] == [
        {'id': number, 'file_name': name, 'height': 2, 'width': 3} for number, name in enumerate('bac', start=1)
    ]
    assert [(found['id'], found['image_id'], found['area']) for found in written['annotations']] == [
        (1, 1, 4),
        (2, 1, 4),
        (3, 3, 4),
    ]


def test_no_file_without_results(files, tmp_path):
    files.add({key: value for key, value in content('x', []).items() if key != 'instances'})
    files.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    'broken',
    [
        {'name': 'x'},
        {'name': 'x', 'image': {'height': 2}},
        content('x', [{}]),
        content('x', [INSTANCE | {'segmentation': {}}]),
        content('x', 7),
    ],
)
def test_what_others_wrote_is_checked(files, broken):
    with pytest.raises((KeyError, TypeError, ValueError)):
        files.check(broken)
