import pickle

import numpy as np
import pytest

from mmoneformer_deploy.task_files import TASK_FILES

CLASSES = {'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60)]}
SEGMENT = {'id': 1, 'label': 1, 'class_name': 'cat', 'is_thing': True, 'area': 2, 'score': 0.75, 'bbox': [1, 1, 3, 2]}


def test_other_processes_can_write():
    assert pickle.loads(pickle.dumps(TASK_FILES)) == TASK_FILES


@pytest.mark.parametrize('dtype', [np.int32, np.uint32])
def test_segment_ids_as_colors(dtype):
    id_map = np.array([[0, 1, 255], [256, 65536, 2**24 - 1]], dtype)
    image = TASK_FILES['panoptic'].png({'id_map': id_map}, CLASSES)
    assert (image.mode, image.size) == ('RGBX', (3, 2))
    np.testing.assert_array_equal(np.asarray(image)[..., :3].astype(int) @ [1, 256, 65536], id_map)


def test_labels_have_their_colors():
    image = TASK_FILES['semantic'].png({'label_map': np.array([[0, 1, 255]], np.uint8)}, CLASSES)
    assert image.mode == 'P'
    np.testing.assert_array_equal(np.asarray(image), [[0, 1, 255]])
    np.testing.assert_array_equal(np.asarray(image.convert('RGB'))[0], [*CLASSES['palette'], (0, 0, 0)])


def test_content_of_the_json():
    content = TASK_FILES['panoptic'].content({'segments': [SEGMENT]})
    assert content['segments_info'][0]['bbox'] == [1, 1, 2, 1]
    assert TASK_FILES['semantic'].content({}) == {}
