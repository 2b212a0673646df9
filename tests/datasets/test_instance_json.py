"""A COCO instance json, with the faults that labeling tools and hands leave in it."""

import json
import re
from copy import deepcopy

import pytest

from mmoneformer.datasets import instance_json
from mmoneformer.datasets.instance_json import InstanceJson
from mmoneformer.errors import AnnotationError, UnknownLabelError

SQUARE = [[0, 0, 3, 0, 3, 2, 0, 2]]
CLASSES = ('cat', 'dog')
CONTENT = {
    'categories': [{'id': 8, 'name': 'dog'}, {'id': 3, 'name': 'cat'}],
    'images': [
        {'id': 5, 'file_name': 'a.jpg', 'height': 4, 'width': 6},
        {'id': 'x/1', 'file_name': 'b/a.jpg', 'height': 4, 'width': 6},
    ],
    'annotations': [
        {'id': 1, 'image_id': 5, 'category_id': 3, 'area': 6, 'bbox': [0, 0, 3, 2], 'segmentation': SQUARE},
        {
            'id': 'b',
            'image_id': 'x/1',
            'category_id': 8,
            'iscrowd': 1,
            'area': 6,
            'bbox': [0, 0, 3, 2],
            'segmentation': SQUARE,
        },
    ],
}
IMAGE, ANNOTATION = ('images', 0), ('annotations', 1)


@pytest.fixture
def read(tmp_path):
    """Read the json after a change."""

    def build(change=lambda content: None, *, classes=CLASSES, is_training=True):
        content = deepcopy(CONTENT)
        change(content)
        path = tmp_path / 'instances.json'
        path.write_text(json.dumps(content))
        return InstanceJson(str(path), classes=classes, is_training=is_training)

    return build


def test_content_without_faults(read, capsys):
    found = read()
    assert found.remarks == []
    assert found.imgs.keys() == {5, 'x/1'}
    assert [entry['iscrowd'] for entry in found.load_anns(['b', 1])] == [1, 0]
    assert found.get_ann_ids(img_ids=['x/1']) == ['b']
    assert found.img_ann_map[5] == [CONTENT['annotations'][0] | {'iscrowd': 0}]
    assert found.cat_img_map[8] == ['x/1']
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        (('categories',), None, "'categories' of the file must be a list, got None"),
        (('categories', 0, 'name'), 7, "'name' of categories[0] must be a non-empty string, got 7"),
        (('images', 1), 'a.jpg', "images[1] must be an object, got 'a.jpg'"),
        ((*IMAGE, 'height'), 0, "'height' of images[0] must be a number of pixels, at least 1, got 0"),
        ((*IMAGE, 'width'), '6', "'width' of images[0] must be a number of pixels, at least 1, got '6'"),
        ((*IMAGE, 'id'), 'x/1', "'id' of images[0] and images[1] is 'x/1' (2 times in all)"),
        ((*IMAGE, 'id'), None, "'id' of images[0] must be an integer or a non-empty string, got None"),
        ((*IMAGE, 'file_name'), 'b/a.jpg', "'file_name' of images[0] and images[1] is 'b/a.jpg'"),
        ((*ANNOTATION, 'id'), 1, "'id' of annotations[0] and annotations[1] is 1 (2 times in all)"),
        ((*ANNOTATION, 'image_id'), 'x', "'image_id' of annotations[1] is 'x', which is none of the ids"),
        ((*ANNOTATION, 'category_id'), '3', "'category_id' of annotations[1] is '3', which is none of the ids"),
        ((*ANNOTATION, 'iscrowd'), '0', "'iscrowd' of annotations[1] must be 0 or 1, got '0'"),
        ((*ANNOTATION, 'segmentation'), [], "'segmentation' of annotations[1], annotation id b, has no mask, got []"),
        (('categories', 1, 'name'), 'Cat', "'name' of categories[1] is 'Cat', but the classes have 'cat': write"),
        (('annotations', 0, 'iscrowd'), 1, 'all 2 annotations are crowds (iscrowd=1), from which nothing is learned'),
        (('annotations', 0), {'segments_info': []}, 'it is a COCO-panoptic json, which PanopticSegDataset reads'),
    ],
)
def test_value_that_cannot_be(read, place, value, message):
    def change(content):
        for key in place[:-1]:
            content = content[key]
        content[place[-1]] = value

    with pytest.raises(AnnotationError, match=rf'instances\.json is not a COCO instance json.*{re.escape(message)}'):
        read(change)


@pytest.mark.parametrize(
    'place',
    [
        ('images',),
        ('annotations',),
        ('categories',),
        (*IMAGE, 'id'),
        (*IMAGE, 'height'),
        (*IMAGE, 'file_name'),
        (*ANNOTATION, 'id'),
        (*ANNOTATION, 'category_id'),
    ],
)
def test_what_is_lacking_is_named(read, place):
    def change(content):
        for key in place[:-1]:
            content = content[key]
        del content[place[-1]]

    with pytest.raises(AnnotationError, match=f"no '{place[-1]}', which must be"):
        read(change)


def test_keys_that_are_not_needed(read):
    def change(content):
        for entry in content['annotations']:
            entry.pop('area'), entry.pop('bbox'), entry.pop('iscrowd', None)

    found = read(change)
    assert (found.anns[1]['area'], found.anns[1]['bbox']) == (6, [0, 0, 3, 2])
    assert found.remarks == []
    assert not read(lambda content: content.pop('annotations'), is_training=False).anns


def test_names_with_outer_spaces(read):
    found = read(lambda content: content['categories'][1].update(name=' cat'), classes=('cat', 'dog '))
    assert [category['name'] for category in found.dataset['categories']] == ['dog ', 'cat']
    assert found.get_cat_ids(cat_names=['cat', 'dog ']) == [8, 3]
    (remark,) = found.remarks
    assert remark.title == '2 categories have names with outer spaces, which are not compared'
    assert (remark.examples, remark.is_harmless) == (("'dog'", "' cat'"), True)


def test_byte_order_mark(read, tmp_path):
    read()
    path = tmp_path / 'instances.json'
    path.write_text(path.read_text(), encoding='utf-8-sig')
    (remark,) = InstanceJson(str(path), classes=CLASSES).remarks
    assert remark.title.startswith('the json begins with a byte order mark')


@pytest.mark.parametrize(
    ('here', 'there'), [('Dog', 'dog'), ('traffic_light', 'traffic light'), ('HOT-dog', 'hotdog')]
)
def test_names_that_are_spelled_otherwise(read, here, there):
    def change(content):
        content['categories'][0]['name'] = there

    with pytest.raises(
        UnknownLabelError, match=f"'name' of categories.0. is '{there}', but the classes have '{here}'"
    ):
        read(change, classes=('cat', here))
    assert read(change, classes=('cat', there, here)).remarks == []


def test_categories_that_are_not_listed(read):
    """Their masks are not looked at."""
    (remark,) = read(lambda content: content['annotations'][1].pop('segmentation'), classes=('cat', 'cow')).remarks
    assert remark.title == '1 annotations are left out, as the classes lack their categories'
    assert remark.examples == ("'dog': 1 annotations",)
    assert read(lambda content: content['categories'][0].update(isthing=0), classes=('cat', 'cow')).remarks == []


def test_annotations_to_ignore(read):
    (remark,) = read(lambda content: content['annotations'][1].update(ignore=1, segmentation=None)).remarks
    assert remark.title == '1 annotations are left out, as they have ignore=1'
    assert remark.examples == ('annotation id b',)


def test_area_and_box_of_the_mask(read, monkeypatch):
    def change(content):
        content['annotations'][0].update(area=0, segmentation=SQUARE[0])
        content['annotations'][1].update(bbox=[50, 50, 3, 2], segmentation=[[50, 0, 53, 0, 53, 2]])

    found = read(change)
    assert found.anns[1]['area'] == 6
    assert found.anns[1]['segmentation'] == SQUARE
    contradicting, invisible = found.remarks
    assert contradicting.title.startswith('1 annotations have an area of 0, or a box below a pixel')
    assert contradicting.examples == ('annotation id 1',)
    assert invisible.title == '1 annotations are left out, as their mask has no pixel in the image'
    monkeypatch.setattr(instance_json, 'TOLERATED', 0.5)
    assert read(change).remarks == [invisible]


def test_large_files_are_checked_once(read, monkeypatch, tmp_path):
    monkeypatch.setattr('mmoneformer.datasets.annotation_cache.MIN_SIZE', 0)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    expected = read(lambda content: content['annotations'][0].pop('area'))
    monkeypatch.setattr(instance_json, '_examine', None)
    again = InstanceJson(str(tmp_path / 'instances.json'), classes=CLASSES, is_training=True)
    assert again.anns == expected.anns


def test_ground_truth_of_metrics(read):
    """All categories, images whose files are not named, and crowds alone."""

    def change(content):
        del content['images'][0]['file_name'], content['annotations'][0]

    assert read(change, classes=None, is_training=False).anns.keys() == {'b'}
