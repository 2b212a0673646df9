import json

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from mmoneformer.datasets.shapes.classes import CLASSES
from mmoneformer.datasets.shapes.folder import (
    instance_entries,
    label_map,
    panoptic_entries,
    panoptic_map,
    write_shapes,
)
from mmoneformer.datasets.shapes.scene import draw_scene

OPTIONS = {'num_train': 3, 'num_val': 2, 'size': 32, 'seed': 1}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'new' / 'shapes'
    assert write_shapes(folder, **OPTIONS)
    return folder


def contents(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob('*') if file.is_file()}


def test_annotation_describes_the_maps(folder):
    content = json.loads((folder / 'annotations/panoptic_train.json').read_text())
    categories = {category['id']: category for category in content['categories']}
    assert {'id', 'name', 'isthing', 'supercategory', 'color'} == set(content['categories'][0])
    assert sorted(categories) != list(range(1, len(categories) + 1))
    assert [image['id'] for image in content['images']] == [1, 2, 3]
    for image, annotation in zip(content['images'], content['annotations'], strict=True):
        assert annotation['image_id'] == image['id']
        colors = cv2.imread(str(folder / 'panoptic_train' / annotation['file_name'])).astype(int)
        ids = colors @ [65536, 256, 1]
        assert ids.shape == (image['height'], image['width'])
        assert cv2.imread(str(folder / 'train' / image['file_name'])).shape == (*ids.shape, 3)
        assert {info['id'] for info in annotation['segments_info']} == set(np.unique(ids)) - {0}
        for info in annotation['segments_info']:
            mask = (ids == info['id']).astype(np.uint8)
            assert info['area'] == mask.sum()
            assert info['bbox'] == list(cv2.boundingRect(mask))
            assert info['category_id'] in categories


def test_same_recipe_gives_the_same_bytes(folder, tmp_path):
    write_shapes(tmp_path / 'again', **OPTIONS)
    assert contents(tmp_path / 'again') == contents(folder)


def test_images_do_not_depend_on_their_number(folder, tmp_path):
    write_shapes(tmp_path / 'more', **OPTIONS | {'num_train': 4})
    more, fewer = contents(tmp_path / 'more'), contents(folder)
    assert {name for name in fewer if fewer[name] != more[name]} == {
        'annotations/instances_train.json',
        'annotations/panoptic_train.json',
        'recipe.json',
    }


def test_seed_and_split_change_the_images(folder, tmp_path):
    write_shapes(tmp_path / 'other', **OPTIONS | {'seed': 2})
    assert contents(tmp_path / 'other')['train/000001.jpg'] != contents(folder)['train/000001.jpg']
    assert contents(folder)['val/000001.jpg'] != contents(folder)['train/000001.jpg']


def test_existing_folder_is_kept(folder):
    before = contents(folder)
    assert not write_shapes(folder, **OPTIONS)
    with pytest.raises(FileExistsError, match='shapes exists with other content'):
        write_shapes(folder, **OPTIONS | {'seed': 2})
    assert contents(folder) == before


def test_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / 'photo.jpg').touch()
    with pytest.raises(FileExistsError, match='parameters None'):
        write_shapes(tmp_path, **OPTIONS)


def test_failure_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(CLASSES, 'shapes', ['not a category'])
    with pytest.raises(AttributeError):
        write_shapes(tmp_path / 'shapes', **OPTIONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('wrong', [{'num_val': 0}, {'size': 31}, {'seed': -1}])
def test_numbers_out_of_range(tmp_path, wrong):
    with pytest.raises(ValueError, match='num_train and num_val must be at least 1'):
        write_shapes(tmp_path / 'shapes', **OPTIONS | wrong)


def test_other_classes(folder, tmp_path):
    write_shapes(tmp_path / 'signs', **OPTIONS, classes='signs')
    content = json.loads((tmp_path / 'signs/annotations/panoptic_train.json').read_text())
    assert [category['name'] for category in content['categories']] == [category.name for category in CLASSES['signs']]
    with pytest.raises(FileExistsError, match='exists with other content'):
        write_shapes(folder, **OPTIONS, classes='signs')
    with pytest.raises(ValueError, match=r"unknown classes 'letters': choose one of \['shapes', 'signs'\]"):
        write_shapes(tmp_path / 'letters', **OPTIONS, classes='letters')


def test_instances_are_the_things_of_the_panoptic_annotation(folder):
    panoptic = json.loads((folder / 'annotations/panoptic_train.json').read_text())
    instances = json.loads((folder / 'annotations/instances_train.json').read_text())
    things = {category['id'] for category in panoptic['categories'] if category['isthing']}
    assert {category['id'] for category in instances['categories']} == things
    assert instances['images'] == panoptic['images']
    keys = ('category_id', 'area', 'bbox', 'iscrowd')
    expected = [
        (annotation['image_id'], *(info[key] for key in keys))
        for annotation in panoptic['annotations']
        for info in annotation['segments_info']
        if info['category_id'] in things
    ]
    assert [tuple(entry[key] for key in ('image_id', *keys)) for entry in instances['annotations']] == expected
    assert [entry['id'] for entry in instances['annotations']] == list(range(1, len(expected) + 1))


def test_label_maps_are_the_classes_of_the_panoptic_annotation(folder):
    content = json.loads((folder / 'annotations/panoptic_val.json').read_text())
    numbers = {category['id']: number for number, category in enumerate(content['categories'], start=1)}
    for annotation in content['annotations']:
        ids = cv2.imread(str(folder / 'panoptic_val' / annotation['file_name'])).astype(int) @ [65536, 256, 1]
        expected = np.zeros(ids.shape, int)
        for info in annotation['segments_info']:
            expected[ids == info['id']] = numbers[info['category_id']]
        labels = Image.open(folder / 'semantic_val' / annotation['file_name'])
        np.testing.assert_array_equal(labels, expected)
        assert labels.getpalette()[:6] == [0, 0, 0, *content['categories'][0]['color']]


@pytest.fixture(scope='module')
def scenes():
    return [draw_scene(np.random.default_rng([0, index]), 96) for index in range(40)]


def test_panoptic_map_and_entries_describe_the_segments(scenes):
    for scene in scenes:
        assert (panoptic_map(scene).astype(int) @ [65536, 256, 1] == scene.ids).all()
        for entry, segment in zip(panoptic_entries(scene), scene.segments, strict=True):
            rows, columns = np.nonzero(scene.ids == segment.id)
            left, top = columns.min(), rows.min()
            assert entry['bbox'] == [left, top, columns.max() + 1 - left, rows.max() + 1 - top]
            assert (entry['id'], entry['area'], entry['iscrowd']) == (segment.id, len(rows), segment.iscrowd)


def test_instances_follow_the_pixels(scenes):
    """Run lengths to the letter, polygons with 9 pixels of 10 or, of the smallest, most."""
    forms = {'polygons': 0, 'run lengths': 0}
    for scene in scenes:
        things = [segment for segment in scene.segments if segment.category.isthing]
        for entry, segment in zip(instance_entries(scene), things, strict=True):
            mask, code = scene.ids == segment.id, entry['segmentation']
            if isinstance(code, list):
                forms['polygons'] += 1
                drawn = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(code, *mask.shape))).astype(bool)
                assert (drawn & mask).sum() / (drawn | mask).sum() > (0.9 if mask.sum() > 150 else 0.7)
            else:
                forms['run lengths'] += 1
                assert (coco_mask.decode(code) == mask).all()
            assert not segment.iscrowd or not isinstance(code, list)
            assert entry['category_id'] == segment.category.id
    assert min(forms.values()) > 10


def test_label_map_counts_classes_from_1(scenes):
    for scene in scenes:
        labels = label_map(scene)
        assert ((labels == 0) == (scene.ids == 0)).all()
        for segment in scene.segments:
            assert set(labels[scene.ids == segment.id]) == {scene.categories.index(segment.category) + 1}
