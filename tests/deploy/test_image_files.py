import json

import numpy as np
import pytest

from mmoneformer_deploy.image_files import FORMATS, ImageFiles
from mmoneformer_deploy.result_files import is_result
from mmoneformer_deploy.task_files import TASK_FILES

CLASSES = {'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60)]}
IMAGE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
RESULTS = {
    'instance': {'labels': [], 'class_names': [], 'scores': [], 'bboxes': [], 'masks': []},
    'semantic': {'label_map': np.array([[0, 1, 1], [0, 0, 1]], np.uint8)},
}
ABOUT = {'file_name': 'x.jpg', 'height': 2, 'width': 3}


@pytest.fixture
def files(tmp_path):
    def make(formats):
        draw = lambda image, results: image  # noqa: E731
        return ImageFiles(folder=tmp_path, classes=CLASSES, tasks=TASK_FILES, draw=draw, formats=formats)

    return make


@pytest.mark.parametrize(
    ('formats', 'endings'),
    [
        (FORMATS, ['_semantic.png', '.png', '.json']),
        (('json',), ['.json']),
        (('png', 'coco'), ['_semantic.png']),
        (('pictures',), ['.png']),
        (('coco',), []),
    ],
)
def test_writes_what_is_asked(files, tmp_path, formats, endings):
    written = files(formats).write('sub/x', RESULTS, IMAGE, ABOUT)
    assert [path.relative_to(tmp_path).as_posix() for path in written.paths] == [f'sub/x{end}' for end in endings]
    assert sorted(tmp_path.rglob('*.*')) == sorted(written.paths)
    assert all(map(is_result, written.paths))
    assert sorted(files(formats).names('x', RESULTS)) == sorted(f'x{end}' for end in endings)
    assert set(files(formats).names('x', RESULTS)) <= set(files(formats).possible_names('x'))
    assert written.content['image'] == ABOUT
    assert written.content['instances'] == []
    assert ('file_name' in written.content['semantic']) == ('png' in formats)


def test_the_json_is_the_content(files, tmp_path):
    written = files(FORMATS).write('x', RESULTS, IMAGE, ABOUT)
    assert json.loads((tmp_path / 'x.json').read_text()) == written.content
