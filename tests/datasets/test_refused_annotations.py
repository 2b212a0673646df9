"""Annotations of a panoptic data set that are refused."""

import pytest


def test_category_that_the_metainfo_lacks(make, content):
    content['categories'].append({'id': 99, 'name': 'zebra', 'isthing': 1})
    with pytest.raises(ValueError, match=r'ann\.json are not in the metainfo: \[\(99, .zebra.\)\]'):
        make()


@pytest.mark.parametrize('name', ['../two.jpg', 'a/../../two.jpg', '/two.jpg', '..\\two.jpg', 's3://other/two.jpg'])
@pytest.mark.parametrize('part', ['images', 'annotations'])
def test_names_outside_of_the_folder(make, content, name, part):
    content[part][1]['file_name'] = name
    with pytest.raises(ValueError, match='names a file outside of'):
        make()


def test_repeated_image(make, content):
    content['images'].append(content['images'][1])
    with pytest.raises(ValueError, match='two entries for image 5'):
        make()


def test_repeated_category(make, content):
    content['categories'].append({'id': 7, 'name': 'dog', 'isthing': 1})
    with pytest.raises(ValueError, match='two entries for category 7'):
        make()


def test_repeated_class_name(make, content):
    content['categories'][1]['name'] = 'cat'
    with pytest.raises(ValueError, match=r"categories of .*ann\.json: class names must be unique.*'cat'"):
        make(metainfo=None)


def test_image_and_annotation_must_match(make, content):
    content['annotations'][0]['image_id'] = 6
    with pytest.raises(ValueError, match=r'2 image ids have only an image or only an annotation: \[5, 6\]'):
        make()


def test_detection_json(make, content):
    del content['annotations'][1]['segments_info']
    with pytest.raises(ValueError, match='not a COCO-panoptic json'):
        make()


def test_segment_of_an_unlisted_category(make, content):
    content['annotations'][0]['segments_info'][0]['category_id'] = 4
    with pytest.raises(ValueError, match=r'two.png \(image id 5\).*\[4\]'):
        make()


@pytest.mark.parametrize('segment_id', [0, 1 << 24])
def test_impossible_segment_ids(make, content, segment_id):
    content['annotations'][1]['segments_info'][0]['id'] = segment_id
    with pytest.raises(ValueError, match=r'a/one.png \(image id 11\).*must be in 1\.\.16777215'):
        make()


def test_repeated_segment_id(make, content):
    first, second = content['annotations'][1]['segments_info'][:2]
    second['id'] = first['id']
    message = rf"segment id {first['id']} of a/one.png \(image id 11\).*classes \['.*', '.*'\].*same color: give each"
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(('entries', 'what'), [('images', 'file'), ('annotations', 'id map')])
def test_file_of_two_images(make, content, entries, what):
    content[entries][1]['file_name'] = content[entries][0]['file_name']
    with pytest.raises(ValueError, match=f'has two entries for {what} '):
        make()
