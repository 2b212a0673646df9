"""An exported model gives the results of ``OneFormerInferencer``: dicts and files."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.datasets.shapes.scene import draw_scene
from mmoneformer.tasks import TASKS
from mmoneformer_deploy import Session

DATA = Path(__file__).parents[1] / 'data'


@pytest.fixture(scope='module')
def session():
    return Session(DATA / 'exported.onnx')


@pytest.fixture(scope='module')
def inferencer():
    return OneFormerInferencer(weights=DATA / 'exported.pth', device='cpu', show_progress=False)


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    """One that is reduced, one that is enlarged and turned."""
    folder = tmp_path_factory.mktemp('photos')
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, size, options in (('large', (211, 317), {}), ('small', (40, 57), {'exif': exif.tobytes()})):
        scene = draw_scene(np.random.default_rng(len(name)), 320).image[: size[0], : size[1]]
        Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8)).save(folder / f'{name}.jpg', **options)
    return folder


def check(found, expected):
    assert list(found) == list(expected) == list(TASKS)
    for task, key in (('panoptic', 'id_map'), ('semantic', 'label_map')):
        one, other = found[task][key], expected[task][key]
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert (one == other).mean() >= 0.9999
    segments, wanted = found['panoptic']['segments'], expected['panoptic']['segments']
    assert segments
    for one, other in zip(segments, wanted, strict=True):
        for key in ('id', 'label', 'class_name', 'is_thing'):
            assert one[key] == other[key]
        assert one['score'] == pytest.approx(other['score'], abs=1e-4)
        assert one['area'] == pytest.approx(other['area'], abs=6)
    one, other = found['instance'], expected['instance']
    assert (one['labels'], one['class_names']) == (other['labels'], other['class_names'])
    np.testing.assert_allclose(one['scores'], other['scores'], atol=1e-4)
    masks = [[coco_mask.decode(mask) for mask in part['masks']] for part in (one, other)]
    assert np.mean(np.equal(*masks)) >= 0.9999


@pytest.mark.parametrize('name', ['large.jpg', 'small.jpg'])
def test_results(session, inferencer, photos, name):
    check(session(photos / name), inferencer(photos / name)['predictions'][0])


def test_an_array(session, inferencer, photos):
    array = cv2.imread(str(photos / 'large.jpg'))
    check(session(array), inferencer(array)['predictions'][0])


def test_files(session, inferencer, photos, tmp_path):
    assert session.save(photos, tmp_path / 'ours') == (2, [])
    assert inferencer.save(photos, tmp_path / 'theirs') == (2, [])
    names = sorted(path.name for path in (tmp_path / 'theirs').iterdir())
    assert sorted(path.name for path in (tmp_path / 'ours').iterdir()) == names
    for name in names:
        one, other = (tmp_path / side / name for side in ('ours', 'theirs'))
        if name.endswith('.json'):
            one, other = (json.loads(path.read_text()) for path in (one, other))
            assert one.keys() == other.keys()
            assert one['categories'] == other['categories']
            assert len(one.get('annotations', ())) == len(other.get('annotations', ()))
        elif '_' in name:
            assert (np.asarray(Image.open(one)) == np.asarray(Image.open(other))).mean() >= 0.9999
