import json

import pytest

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.datasets.converters.panoptic_json import (
    category_faults,
    check_split,
    check_target,
    refuse,
    write_panoptic_json,
)
from mmoneformer.metainfo.category import Category

CATEGORIES = (Category(7, 'road', False, (128, 64, 128)), Category(26, 'car', True, (0, 0, 142)))


@pytest.fixture
def split(tmp_path):
    """A json of two images, its folders, and the function that checks it."""
    images, annotations = [], []
    for index in (1, 2):
        images.append({'id': index, 'file_name': f'town/{index}.jpg', 'width': 3, 'height': 2})
        infos = [{'id': 1, 'category_id': 7, 'area': 4, 'bbox': [0, 0, 2, 2], 'iscrowd': 0}]
        annotations.append({'image_id': index, 'file_name': f'{index}.png', 'segments_info': infos})
        for file in (tmp_path / f'images/town/{index}.jpg', tmp_path / f'maps/{index}.png'):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    path = tmp_path / 'a.json'
    write_panoptic_json(path, images=images, annotations=annotations, categories=CATEGORIES)

    def check():
        return check_split(path, image_dir=tmp_path / 'images', seg_dir=tmp_path / 'maps', categories=CATEGORIES)

    return path, check


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_good_split_passes(split):
    path, check = split
    assert check() == 2
    assert json.loads(path.read_text())['categories'] == [category.as_json() for category in CATEGORIES]


def test_the_same_json_is_not_written_again(split):
    path, _ = split
    content = json.loads(path.read_text())
    before = path.stat().st_ino
    for images, same in ((content['images'], True), (content['images'][:1], False)):
        write_panoptic_json(path, images=images, annotations=content['annotations'], categories=CATEGORIES)
        assert (path.stat().st_ino == before) is same


def test_a_json_of_another_program_is_no_target(split, tmp_path):
    path, _ = split
    check_target(path, overwrite=False)
    check_target(tmp_path / 'new.json', overwrite=False)
    path.write_text('{"images": []}')
    check_target(path, overwrite=True)
    with pytest.raises(FileExistsError, match=r'a\.json was written by another program'):
        check_target(path, overwrite=False)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c['images'][1].update(id=1), r'1 repeated image ids: 1; 1 annotations without image: 2'),
        (lambda c: c['annotations'][1].update(image_id=1), r'1 images with several annotations: 1; .* annotation: 2'),
        (lambda c: c['annotations'].pop(), r'1 images without annotation: 2'),
        (lambda c: c['annotations'][0]['segments_info'].append({'id': 1}), r'repeated segment ids: 1\.png'),
        (lambda c: c['annotations'][0]['segments_info'][0].update(category_id=8), r'1 unknown category ids: 8'),
        (lambda c: c['images'][0].update(file_name='1.jpg'), r'1 missing images in .*images: 1\.jpg'),
        (lambda c: c['annotations'][0].update(file_name='x.png'), r'1 missing annotations in .*maps: x\.png'),
    ],
)
def test_faults_are_named(split, change, message):
    path, check = split
    edit(path, change)
    with pytest.raises(ValueError, match=rf'a\.json is incomplete or inconsistent: .*{message}'):
        check()


def test_of_many_faults_the_first_are_shown(tmp_path):
    with pytest.raises(ValueError, match=r': 7 missing maps: 0, 1, 2, 3, 4, \.\.\.$'):
        refuse(tmp_path, {'missing maps': range(7), 'other': []})


def test_categories_must_agree_in_id_name_and_kind():
    entries = [category.as_json() for category in CATEGORIES]
    assert not any(category_faults(entries, CATEGORIES).values())
    entries[0]['name'] = 'street'
    theirs, ours = category_faults(entries[:1], CATEGORIES).values()
    assert theirs == ["(7, 'street', False)"]
    assert sorted(ours) == ["(26, 'car', True)", "(7, 'road', False)"]
