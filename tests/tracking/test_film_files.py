import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmoneformer.tracking.film_files import CocoVideoFile, JsonFile, MotsFile
from mmoneformer.tracking.task_tracking import FilmObject
from mmoneformer_deploy.run_lengths import encode_edges, find_edges

METAINFO = {'classes': ('sky', 'cat', 'road'), 'thing_ids': (1,), 'palette': []}
SIZE = (6, 8)


def thing(number, rows, columns, *, score=0.9, label=1):
    mask = np.zeros(SIZE, bool)
    mask[rows, columns] = True
    ys, xs = np.nonzero(mask)
    box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
    encoded = encode_edges(find_edges(mask.T), SIZE)
    return FilmObject(number, label, score, [float(v) for v in box], int(mask.sum()), lambda: encoded)


SKY = thing(1, slice(0, 2), slice(None), label=0)
FIRST, SECOND = thing(4, slice(2, 5), slice(1, 4)), thing(5, slice(3, 6), slice(2, 8), score=0.7)
FRAMES = [[SKY, FIRST, SECOND], [SKY], [SECOND]]


@pytest.fixture
def written(tmp_path):
    """Writes a film, interrupted after the last frame, and returns the text."""

    def write(kind, name, frames=FRAMES):
        path = tmp_path / 'new' / name
        with suppress(KeyboardInterrupt), kind(path, METAINFO) as file:
            for objects in frames:
                file.write(objects, SIZE)
            raise KeyboardInterrupt
        assert [found.name for found in path.parent.iterdir()] == [name]
        return path.read_text()

    return write


def test_json(written):
    content = json.loads(written(JsonFile, 'film.json'))
    assert list(content) == ['frames']
    assert [frame['index'] for frame in content['frames']] == [0, 1, 2]
    assert [[segment['id'] for segment in frame['segments']] for frame in content['frames']] == [[1, 4, 5], [1], [5]]
    assert content['frames'][0]['segments'][1] == {
        'id': 4, 'label': 1, 'class_name': 'cat', 'score': 0.9, 'bbox': [1, 2, 4, 5], 'area': 9
    }  # fmt: skip


def test_mots(written):
    """Things alone; where they overlap, the better one has the pixel."""
    lines = [line.split(' ') for line in written(MotsFile, 'film.txt').splitlines()]
    assert [[int(word) for word in line[:5]] for line in lines] == [[0, 4, 1, 6, 8], [0, 5, 1, 6, 8], [2, 5, 1, 6, 8]]
    masks = [coco_mask.decode({'size': SIZE, 'counts': line[5].encode()}) for line in lines]
    assert [mask.sum() for mask in masks] == [9, 18 - 4, 18]
    assert not (masks[0] & masks[1]).any()


def test_coco(written):
    content = json.loads(written(CocoVideoFile, 'film.json'))
    assert content['videos'] == [{'id': 1, 'name': 'film', 'height': 6, 'width': 8, 'length': 3}]
    assert [category['name'] for category in content['categories']] == ['sky', 'cat', 'road']
    first, second = content['annotations']
    assert (first['id'], first['category_id'], first['score'], first['areas']) == (4, 1, 0.9, [9, None, None])
    assert second['bboxes'] == [[2, 3, 6, 3], None, [2, 3, 6, 3]]
    masks = [mask and coco_mask.area(mask | {'counts': mask['counts'].encode()}) for mask in second['segmentations']]
    assert masks == [18, None, 18]


@pytest.mark.parametrize('kind', [JsonFile, MotsFile, CocoVideoFile])
def test_a_film_without_a_frame_leaves_what_is_there(kind, tmp_path):
    (tmp_path / 'film').write_text('before')
    with suppress(KeyboardInterrupt), kind(tmp_path / 'film', METAINFO):
        raise KeyboardInterrupt
    assert (tmp_path / 'film').read_text() == 'before'


def test_frames_of_another_size(tmp_path):
    message = r'frame 1 is \(6, 9\) pixels \(height, width\), the frames before \(6, 8\)'
    with CocoVideoFile(tmp_path / 'film.json', METAINFO) as file:
        file.write([FIRST], SIZE)
        with pytest.raises(ValueError, match=message):
            file.write([FIRST], (6, 9))
    assert json.loads((tmp_path / 'film.json').read_text())['videos'][0]['length'] == 1


@pytest.mark.parametrize('kind', [JsonFile, MotsFile])
def test_a_full_disk(kind, tmp_path):
    """The file stays a partial one."""
    path = tmp_path / 'film'
    with kind(path, METAINFO) as file:
        file.write([FIRST], SIZE)
        file._file.close()
        file._file = Path('/dev/full').open('w')  # noqa: SIM115
        with pytest.raises(OSError, match='film'):
            file.write([FIRST], SIZE)
    assert not path.exists()
