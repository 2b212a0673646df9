import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets.converters.mapillary import SPLITS, UNLABELED_ID, convert
from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.metainfo.mapillary import CATEGORIES

METAINFO = resolve_metainfo('mapillary')
VAL = SPLITS[1]
BIRD, ROAD = 1, 14
UNLABELED = {'id': UNLABELED_ID, 'name': 'Unlabeled', 'supercategory': 'void--unlabeled', 'isthing': 0}
MAPS = {
    'with_void': np.array([[9, 9, 70000], [0, 70000, 5]]),
    'without_void': np.array([[9, 9], [9, 9], [9, 70000]]),
}


def info(segment_id, category_id, iscrowd=0):
    return {'id': segment_id, 'category_id': category_id, 'iscrowd': iscrowd, 'area': 1, 'bbox': [0, 0, 1, 1]}


SEGMENTS = {
    'with_void': [info(9, ROAD), info(70000, BIRD, iscrowd=1), info(5, UNLABELED_ID)],
    'without_void': [info(9, ROAD), info(70000, BIRD)],
}


@pytest.fixture
def root(tmp_path):
    """Two images in the layout of the download."""
    panoptic, images = tmp_path / 'validation/panoptic', tmp_path / 'validation/images'
    panoptic.mkdir(parents=True)
    images.mkdir()
    content = {'images': [], 'annotations': [], 'categories': [category.as_json() for category in CATEGORIES]}
    content['categories'].append(UNLABELED)
    for name, ids in MAPS.items():
        height, width = ids.shape
        (images / f'{name}.jpg').touch()
        rgb = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
        Image.fromarray(rgb).save(panoptic / f'{name}.png')
        content['images'].append({'id': name, 'file_name': f'{name}.jpg', 'width': width, 'height': height})
        content['annotations'].append({'image_id': name, 'file_name': f'{name}.png', 'segments_info': SEGMENTS[name]})
    (panoptic / 'panoptic_2018.json').write_text(json.dumps(content))
    return tmp_path


def edit(root, change):
    path = root / 'validation/panoptic/panoptic_2018.json'
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def read_ids(path):
    red, green, blue = np.moveaxis(np.asarray(Image.open(path)).astype(int), 2, 0)
    return red + 256 * green + 65536 * blue


@pytest.mark.parametrize('workers', [1, 2])
def test_unlabeled_becomes_void_and_the_rest_stays(root, workers):
    assert convert(root, VAL, workers=workers) == 2
    out = root / 'mapillary_panoptic_val'
    assert read_ids(out / 'with_void.png').tolist() == [[9, 9, 70000], [0, 70000, 0]]
    assert os.path.samefile(out / 'without_void.png', root / 'validation/panoptic/without_void.png')
    np.testing.assert_array_equal(read_ids(root / 'validation/panoptic/with_void.png'), MAPS['with_void'])
    content = json.loads((root / 'mapillary_panoptic_val.json').read_text())
    segments = {entry['image_id']: entry['segments_info'] for entry in content['annotations']}
    assert segments == {'with_void': SEGMENTS['with_void'][:2], 'without_void': SEGMENTS['without_void']}
    assert [entry['name'] for entry in content['categories']] == list(METAINFO['classes'])


def test_same_result_again(root):
    convert(root, VAL, workers=1)
    out = [root / 'mapillary_panoptic_val.json', *(root / 'mapillary_panoptic_val').iterdir()]
    before = [(file.stat().st_ino, file.read_bytes()) for file in out]
    convert(root, VAL, workers=1)
    assert [(file.stat().st_ino, file.read_bytes()) for file in out] == before


def test_copies_where_there_are_no_links(root, monkeypatch):
    def no_links(*_):
        raise OSError('not supported')

    monkeypatch.setattr('os.link', no_links)
    convert(root, VAL, workers=1)
    np.testing.assert_array_equal(read_ids(root / 'mapillary_panoptic_val/without_void.png'), MAPS['without_void'])
    assert sorted(file.name for file in (root / 'mapillary_panoptic_val').iterdir()) == [
        'with_void.png',
        'without_void.png',
    ]


def test_what_is_of_other_programs_is_kept(root):
    convert(root, VAL, workers=1)
    image, path = root / 'mapillary_panoptic_val/without_void.png', root / 'mapillary_panoptic_val.json'
    content = (root / 'validation/panoptic/with_void.png').read_bytes()
    image.unlink()
    image.write_bytes(content)
    with pytest.raises(FileExistsError, match=r'without_void\.png has other content'):
        convert(root, VAL, workers=1)
    path.write_text('{}')
    with pytest.raises(FileExistsError, match=r'_val\.json was written by another program'):
        convert(root, VAL, workers=1)
    assert image.read_bytes() == content
    convert(root, VAL, workers=1, overwrite=True)
    np.testing.assert_array_equal(read_ids(image), MAPS['without_void'])


def test_the_download_with_both_versions(root):
    shutil.move(root / 'validation/panoptic', root / 'validation/v1.2/panoptic')
    assert convert(root, VAL, workers=1) == 2


def test_the_download_without_our_version(root):
    shutil.move(root / 'validation/panoptic', root / 'validation/v2.0/panoptic')
    with pytest.raises(
        FileNotFoundError, match=r'exists, but v2\.0 was found, which has other classes: unpack .*v1\.2'
    ):
        convert(root, VAL, workers=1)


def test_reads_back(root):
    convert(root, VAL, workers=1)
    dataset = PanopticSegDataset(
        data_root=str(root),
        ann_file='mapillary_panoptic_val.json',
        data_prefix={'img': 'validation/images', 'seg': 'mapillary_panoptic_val'},
        metainfo='mapillary',
        test_mode=True,
    )
    rows = [
        (METAINFO['classes'][segment['label']], segment['iscrowd']) for segment in dataset.get_data_info(0)['segments']
    ]
    assert rows == [('Road', 0), ('Bird', 1)]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda c: c['categories'][13].update(name='construction--flat--road'),
            r"unknown categories \(id, name, thing\?\): \(14, 'construction--",
        ),
        (lambda c: c['annotations'].pop(), r'1 images without annotation: without_void'),
        (lambda c: c['images'].pop(), r'1 annotations without image: without_void'),
        (lambda c: c['images'][1].update(width=3), r'without_void\.png has height and width \(3, 2\)'),
        (lambda c: c['annotations'][1]['segments_info'].pop(), r'without_void\.png has pixels .*: \[70000\]'),
    ],
)
def test_contradictions_are_named(root, change, message):
    edit(root, change)
    with pytest.raises(ValueError, match=message):
        convert(root, VAL, workers=1)
    assert not (root / 'mapillary_panoptic_val.json').exists()


def test_what_is_missing_is_named(root):
    (root / 'validation/images/with_void.jpg').unlink()
    with pytest.raises(ValueError, match=r'1 missing images in .*images: with_void\.jpg'):
        convert(root, VAL, workers=1)
    with pytest.raises(FileNotFoundError, match=r'none of .*training/panoptic/panoptic_2018\.json, .*: unpack'):
        convert(root, SPLITS[0], workers=1)
