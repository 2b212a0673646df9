"""What data sets of mmdet and mmseg, and ours, become as sources."""

import json
import pickle

import cv2
import numpy as np
import pytest

from mmoneformer.datasets.source import Source
from mmoneformer.errors import AnnotationError
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.registry import DATASETS
from mmoneformer.tasks import TASKS, Task

METAINFO = resolve_metainfo({'classes': ('sky', 'cat', 'road', 'car'), 'thing_ids': (1, 3)})


def source(**config):
    # to serialize, mmengine collects garbage, which takes most of the time
    return Source(DATASETS.build({'serialize_data': False} | config | {'lazy_init': True}), METAINFO)


@pytest.fixture
def folder(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.zeros((4, 6, 3), np.uint8))
    return tmp_path


@pytest.fixture
def instances(folder):
    """A COCO json whose order of classes is not that of the metainfo."""
    box = {'image_id': 5, 'bbox': [0, 0, 3, 2], 'area': 6, 'segmentation': [[0, 0, 3, 0, 3, 2, 0, 2]]}
    content = {
        'categories': [{'id': 8, 'name': 'car'}, {'id': 3, 'name': 'cat'}],
        'images': [{'id': 5, 'file_name': 'a.jpg', 'height': 4, 'width': 6}],
        'annotations': [
            {**box, 'id': 1, 'category_id': 3, 'iscrowd': 0},
            {**box, 'id': 2, 'category_id': 8, 'iscrowd': 1},
        ],
    }
    (folder / 'instances.json').write_text(json.dumps(content))
    return {
        'type': 'mmdet.CocoDataset',
        'data_root': str(folder),
        'ann_file': 'instances.json',
        'data_prefix': {'img': ''},
    }


@pytest.fixture
def labels(folder):
    cv2.imwrite(str(folder / 'a.png'), np.zeros((4, 6), np.uint8))
    return {
        'type': 'mmseg.BaseSegDataset',
        'data_root': str(folder),
        'data_prefix': {'img_path': '', 'seg_map_path': ''},
    }


@pytest.fixture
def panoptic(folder):
    cv2.imwrite(str(folder / 'a.png'), np.zeros((4, 6, 3), np.uint8))
    segments = [{'id': 7, 'category_id': 1}, {'id': 9, 'category_id': 0, 'iscrowd': 1}]
    content = {
        'categories': [{'id': 0, 'name': 'car ', 'isthing': 1}, {'id': 1, 'name': 'sky', 'isthing': 0}],
        'images': [{'id': 5, 'file_name': 'a.jpg', 'height': 4, 'width': 6}],
        'annotations': [{'image_id': 5, 'file_name': 'a.png', 'segments_info': segments}],
    }
    (folder / 'panoptic.json').write_text(json.dumps(content))
    return {
        'type': 'PanopticSegDataset',
        'data_root': str(folder),
        'ann_file': 'panoptic.json',
        'data_prefix': {'img': '', 'seg': ''},
    }


@pytest.mark.parametrize('classes', [('cat', 'car'), ('car', 'cat'), ('bird', 'cat', 'car')])
def test_instances_are_found_by_the_names_of_the_json(instances, classes):
    """mmdet counts classes in the order of the json, and leaves out those that it does not have."""
    sample = source(**instances, metainfo={'classes': classes}).sample(0)
    assert sample['segments'] == [{'id': 1, 'label': 1, 'iscrowd': 0}, {'id': 2, 'label': 3, 'iscrowd': 1}]
    assert (sample['annotation'], sample['tasks'], sample['img_id']) == ('instance', ('instance',), 5)
    assert sample['unlabeled_ids'] == (0, 2)


def test_some_of_the_classes(instances):
    sample = source(**instances, metainfo={'classes': ('cat',)}).sample(0)
    assert sample['segments'] == [{'id': 1, 'label': 1, 'iscrowd': 0}]
    assert sample['unlabeled_ids'] == (0, 2, 3)


def test_label_maps(labels, folder):
    sample = source(**labels, metainfo={'classes': ('road', 'sky', 'cat')}, ignore_index=9).sample(0)
    assert sample['segments'] == [
        {'id': 1, 'label': 2, 'iscrowd': 0},
        {'id': 2, 'label': 0, 'iscrowd': 0},
        {'id': 3, 'label': 1, 'iscrowd': 0},
    ]
    assert (sample['annotation'], sample['tasks'], sample['img_id']) == ('semantic', ('semantic',), 'a')
    assert (sample['unlabeled_ids'], sample['ignore_index']) == ((3,), 9)
    assert sample['seg_map_path'] == str(folder / 'a.png')


def test_panoptic_annotation(panoptic):
    sample = source(**panoptic).sample(0)
    assert sample['segments'] == [{'id': 7, 'label': 0, 'iscrowd': 0}, {'id': 9, 'label': 3, 'iscrowd': 1}]
    assert (sample['annotation'], sample['tasks']) == ('panoptic', ('panoptic', 'instance', 'semantic'))
    assert sample['unlabeled_ids'] == (1, 2)


def test_images_alone(labels):
    sample = source(**labels | {'data_prefix': {'img_path': ''}}, metainfo={'classes': ('sky',)}).sample(0)
    assert 'tasks' not in sample
    assert sample['segments'] == []


def test_class_that_is_not_in_the_metainfo(labels):
    with pytest.raises(ValueError, match=r"classes \['sea'\] of BaseSegDataset .* not in the metainfo .*'sky'"):
        source(**labels, metainfo={'classes': ('sky', 'sea')})


def test_classes_that_are_not_known(labels):
    with pytest.raises(ValueError, match=r'BaseSegDataset .*has no class names'):
        source(**labels)


def test_classes_that_are_not_in_the_json(instances):
    with pytest.raises(ValueError, match=r"none of the classes \['bird'\].* has \['car', 'cat'\]"):
        source(**instances, metainfo={'classes': ('bird',)})


def test_thing_there_and_stuff_here(panoptic):
    merged = {'classes': METAINFO['classes'], 'thing_ids': (1,)}
    with pytest.raises(ValueError, match="class 'car ' is a thing in PanopticSegDataset .* and stuff in the metainfo"):
        Source(DATASETS.build(panoptic | {'lazy_init': True, 'serialize_data': False}), resolve_metainfo(merged))


def test_instances_are_things(instances):
    merged = resolve_metainfo({'classes': METAINFO['classes'], 'thing_ids': ()})
    with pytest.raises(ValueError, match="class 'cat' is a thing in CocoDataset"):
        Source(
            DATASETS.build(
                instances | {'metainfo': {'classes': ('cat',)}, 'lazy_init': True, 'serialize_data': False}
            ),
            merged,
        )


@pytest.mark.parametrize('serialize', [False, True])
def test_no_image(labels, serialize):
    with pytest.raises(
        ValueError, match=r"has no image: .*img_suffix and .*\(2 pictures of .* suffix is not '\.jpeg'"
    ):
        source(**labels, metainfo={'classes': ('sky',)}, img_suffix='.jpeg', serialize_data=serialize)


@pytest.mark.parametrize(
    ('columns', 'supported'),
    [
        (dict(things_only=True), (True, True, False)),
        (dict(merges_classes=True), (True, False, True)),
        (dict(things_only=True, merges_classes=True), (True, True, True)),
        (dict(), (True, False, False)),
    ],
)
def test_tasks_follow_from_their_columns(monkeypatch, labels, panoptic, instances, columns, supported):
    monkeypatch.setitem(TASKS, 'part', Task('part', filler='a part photo', **columns))
    label_maps = {
        'type': 'mmseg.BaseSegDataset',
        'data_root': instances['data_root'],
        'metainfo': {'classes': ('sky',)},
    }
    label_maps['data_prefix'] = {'img_path': '', 'seg_map_path': ''}
    sources = panoptic, instances | {'metainfo': {'classes': ('cat', 'car')}}, label_maps
    assert tuple('part' in source(**config).sample(0)['tasks'] for config in sources) == supported


def test_missing_files(instances, labels, folder):
    """Of all images, also of those that would be filtered."""
    content = json.loads((folder / 'instances.json').read_text())
    content['images'].append({'id': 6, 'file_name': 'sub\\b.jpg', 'height': 4, 'width': 6})
    (folder / 'instances.json').write_text(json.dumps(content))
    found = source(**instances, metainfo={'classes': ('cat', 'car')}, filter_cfg={'filter_empty_gt': True})
    assert found.missing == [f'{folder}/sub\\b.jpg']
    with pytest.raises(FileNotFoundError, match=r'1 files of CocoDataset of .* do not exist, .*b\.jpg.* a backslash'):
        found.check_files()
    (folder / 'a.png').unlink()
    found = source(**labels, metainfo={'classes': ('sky',)})
    assert found.missing == [f'{folder}/a.png']


def test_what_is_left_out(instances, labels, folder):
    (remark,) = source(**instances, metainfo={'classes': ('cat',)}).remarks
    assert remark.examples == ("'car': 1 annotations",)
    (folder / 'b.JPG').touch()
    (remark,) = source(**labels, metainfo={'classes': ('sky',)}).remarks
    assert remark.examples == ('b.JPG',)


def test_data_sets_can_be_sent_to_other_processes(instances):
    dataset = source(**instances, metainfo={'classes': ('cat', 'car')}).dataset
    assert pickle.loads(pickle.dumps(dataset)).get_data_info(0) == dataset.get_data_info(0)


@pytest.mark.parametrize(
    ('classes', 'test_mode', 'is_error'), [('a', True, False), ('ab', False, True), ('abc', False, False)]
)
def test_masks_of_0_and_255(labels, folder, classes, test_mode, is_error):
    """In training they are an error, unless another source may have the third class."""
    cv2.imwrite(str(folder / 'a.png'), np.full((4, 6), 255, np.uint8))
    config = labels | dict(metainfo=dict(classes=tuple(classes)), test_mode=test_mode, reduce_zero_label=test_mode)
    dataset, metainfo = (
        DATASETS.build(config | {'lazy_init': True, 'serialize_data': False}),
        dict(classes=('a', 'b', 'c'), thing_ids=()),
    )
    if is_error:
        with pytest.raises(AnnotationError, match=r'BaseSegDataset of .*: all 1 label maps have the values 0 and 255'):
            Source(dataset, resolve_metainfo(metainfo))
    else:
        (remark,) = Source(dataset, resolve_metainfo(metainfo)).remarks
        assert '255 is read as void' in remark.title
