import json
import os
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from mmoneformer_deploy.result_files import JSON_MARK, is_result
from mmoneformer_deploy.result_folder import ResultFolder
from mmoneformer_deploy.task_files import TASK_FILES, TaskFiles

METAINFO = {'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60)]}
IMAGE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
MASK = {'size': [2, 3], 'counts': '04'}
ID_MAP = np.array([[0, 1, 1], [2, 70000, 70000]], np.int32)
PARTS = np.array([[0, 1, 1], [2, 2, 0]], np.uint8)
RESULTS = {
    'panoptic': {
        'id_map': ID_MAP,
        'segments': [
            {
                'id': 70000,
                'label': 1,
                'class_name': 'cat',
                'is_thing': True,
                'area': 2,
                'score': 0.75,
                'bbox': [1, 1, 3, 2],
            }
        ],
    },
    'instance': {
        'labels': [1],
        'class_names': ['cat'],
        'scores': [0.5],
        'bboxes': [[1.0, 0.0, 3.0, 2.0]],
        'masks': [MASK],
    },
    'semantic': {'label_map': np.array([[0, 1, 1], [0, 0, 1]], np.uint8)},
}


def draw(image, results):
    """A picture that shows the image and the number of results."""
    return np.concatenate([image, np.full_like(image, len(results))])


def open_folder(path, taken=()):
    return ResultFolder(path, METAINFO, tasks=TASK_FILES, draw=draw, taken=taken)


@pytest.fixture
def folder(tmp_path):
    with open_folder(tmp_path / 'new/out') as folder:
        yield folder


def finished(folder):
    """Names of the complete files."""
    return {path.name for path in folder.path.iterdir() if not path.name.startswith('.')}


def name_of(files):
    """The NAME that an image got."""
    (name,) = (file.stem for file in files if file.suffix == '.json')
    return name


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_files_of_an_image(folder):
    files = folder.write('x', RESULTS, IMAGE, (2, 3))
    assert finished(folder) == {'x.png', 'x.json', 'x_panoptic.png', 'x_semantic.png'} == {file.name for file in files}
    np.testing.assert_array_equal(read(folder.path / 'x.png'), draw(IMAGE, RESULTS))
    np.testing.assert_array_equal(read(folder.path / 'x_panoptic.png').astype(int) @ [1, 256, 65536], ID_MAP)
    np.testing.assert_array_equal(read(folder.path / 'x_semantic.png'), RESULTS['semantic']['label_map'])
    with Image.open(folder.path / 'x_semantic.png') as image:
        assert image.convert('RGB').getpixel((1, 0)) == (220, 20, 60)
    assert json.loads((folder.path / 'x.json').read_text()) == JSON_MARK | {
        'name': 'x',
        'image': {'file_name': 'x', 'height': 2, 'width': 3},
        'categories': [{'id': 0, 'name': 'sky', 'isthing': 0}, {'id': 1, 'name': 'cat', 'isthing': 1}],
        'panoptic': {
            'file_name': 'x_panoptic.png',
            'segments_info': [
                {
                    'id': 70000,
                    'category_id': 1,
                    'isthing': 1,
                    'area': 2,
                    'score': 0.75,
                    'bbox': [1, 1, 2, 1],
                    'iscrowd': 0,
                }
            ],
        },
        'instances': [{'category_id': 1, 'score': 0.5, 'bbox': [1, 0, 2, 2], 'segmentation': MASK}],
        'semantic': {'file_name': 'x_semantic.png'},
    }


def test_writes_what_there_is(folder):
    folder.write('x', {'instance': RESULTS['instance']}, IMAGE, (2, 3))
    assert finished(folder) == {'x.png', 'x.json'}


def test_no_drawing(tmp_path):
    with ResultFolder(tmp_path, METAINFO, tasks=TASK_FILES) as folder:
        folder.write('x', RESULTS, IMAGE, (2, 3))
    assert finished(folder) == {'x.json', 'x_panoptic.png', 'x_semantic.png', 'panoptic.json', 'instances.json'}


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr('os.access', lambda *of: asked.append(of))
    with pytest.raises(PermissionError, match=r'out cannot be written to: choose another one for the results'):
        open_folder(tmp_path / 'out')
    assert asked == [(tmp_path / 'out', os.W_OK)]


def test_names_do_not_clash(folder):
    stems = ['x', 'x', 'X', 'x_panoptic', 'x_2', 'y']
    names = [name_of(folder.write(stem, RESULTS, IMAGE, (2, 3))) for stem in stems]
    assert names == ['x', 'x_2', 'X_3', 'x_panoptic_2', 'x_2_2', 'y']
    assert len(finished(folder)) == 4 * len(stems)


def test_replaces_the_files_of_an_earlier_run(folder):
    folder.write('x', RESULTS, IMAGE, (2, 3))
    open_folder(folder.path).write('x', RESULTS, 255 - IMAGE, (2, 3))
    np.testing.assert_array_equal(read(folder.path / 'x.png'), draw(255 - IMAGE, RESULTS))


@pytest.mark.parametrize('name', ['x.png', 'x.json', 'x_semantic.png'])
def test_files_of_others_are_kept(folder, name):
    (folder.path / name).write_bytes(b'{"mine": 1}')
    for _ in range(2):  # the second run replaces the results of the first
        files = open_folder(folder.path).write('x', RESULTS, IMAGE, (2, 3))
        assert name_of(files) == 'x_2'
        assert all(map(is_result, files))
    assert len(finished(folder)) == 5
    assert (folder.path / name).read_bytes() == b'{"mine": 1}'


def test_a_coco_file_of_others_is_kept(tmp_path):
    (tmp_path / 'panoptic.json').write_text('{"images": []}')
    for _ in range(2):
        with open_folder(tmp_path) as folder:
            assert name_of(folder.write('panoptic_2', RESULTS, IMAGE, (2, 3))) == 'panoptic_2_2'
    assert (tmp_path / 'panoptic.json').read_text() == '{"images": []}'
    (image,) = json.loads((tmp_path / 'panoptic_2.json').read_text())['images']
    assert image['file_name'] == 'panoptic_2_2'


def test_inputs_are_kept_although_they_are_results(folder):
    folder.write('x', RESULTS, IMAGE, (2, 3))
    files = open_folder(folder.path, taken=['X.png']).write('x', RESULTS, IMAGE, (2, 3))
    assert name_of(files) == 'x_2'


def test_nothing_stays_of_an_image_that_cannot_be_written(folder, monkeypatch):
    def write_bytes(path, content):
        if path.suffix == '.json':
            raise OSError('disk full')
        path.write_bytes(content)

    monkeypatch.setattr('mmoneformer_deploy.image_files.write_bytes', write_bytes)
    with pytest.raises(OSError, match='disk full'):
        folder.write('x', RESULTS, IMAGE, (2, 3))
    assert finished(folder) == set()


def test_an_interruption_leaves_the_old_file(folder, monkeypatch):
    folder.write('x', RESULTS, IMAGE, (2, 3))
    before = (folder.path / 'x.json').read_bytes()

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr('os.replace', interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_folder(folder.path).write('x', {}, IMAGE, (2, 3))
    assert (folder.path / 'x.json').read_bytes() == before


def test_names_of_the_coco_files_are_taken(folder):
    names = [name_of(folder.write(stem, RESULTS, IMAGE, (2, 3))) for stem in ('panoptic', 'Instances')]
    assert names == ['panoptic_2', 'Instances_2']


def test_coco_files_are_complete_after_an_interruption(tmp_path):
    with suppress(KeyboardInterrupt), open_folder(tmp_path) as folder:
        folder.write('x', RESULTS, IMAGE, (2, 3))
        raise KeyboardInterrupt
    panoptic = json.loads((tmp_path / 'panoptic.json').read_text())
    assert panoptic['images'] == [{'id': 1, 'file_name': 'x', 'height': 2, 'width': 3}]
    assert panoptic['annotations'][0]['file_name'] == 'x_panoptic.png'
    assert not list(tmp_path.glob('.*'))


def test_another_task(tmp_path):
    """A fourth task, whose results are a map of parts."""
    files = TaskFiles(
        key='parts',
        content=lambda result: {'count': int(result['map'].max())},
        png=lambda result, metainfo: Image.fromarray(result['map']),
        coco_file='Parts.json',
        annotations=lambda content, image_id, first_id: [{'id': first_id, 'image_id': image_id, **content}],
    )
    with ResultFolder(tmp_path, METAINFO, tasks=TASK_FILES | {'part': files}, draw=draw) as folder:
        for stem in ('x', 'parts'):
            folder.write(stem, {'part': {'map': PARTS}}, IMAGE, (2, 3))
    assert finished(folder) == {
        'x.png',
        'x.json',
        'x_part.png',
        'parts_2.png',
        'parts_2.json',
        'parts_2_part.png',
        'Parts.json',
    }
    np.testing.assert_array_equal(read(tmp_path / 'x_part.png'), PARTS)
    assert json.loads((tmp_path / 'x.json').read_text())['parts'] == {'file_name': 'x_part.png', 'count': 2}
    assert json.loads((tmp_path / 'Parts.json').read_text())['annotations'] == [
        {'id': 1, 'image_id': 1, 'file_name': 'x_part.png', 'count': 2},
        {'id': 2, 'image_id': 2, 'file_name': 'parts_2_part.png', 'count': 2},
    ]
