import json

import cv2
import numpy as np
import pytest

from mmoneformer.data_check.examination import SampleFault, examine, examine_all, targets_of_tasks, walk
from mmoneformer.data_check.sample_record import FaultKind
from mmoneformer.data_check.tolerant_dataset import open_dataset
from mmoneformer.datasets.transforms import LoadImageFromFile, LoadPanopticMap, SampleTask
from mmoneformer.metainfo import resolve_metainfo


@pytest.fixture
def dataset(config):
    return open_dataset(config.train_dataloader.dataset)


def read_ids(path):
    blue, green, red = cv2.imread(str(path)).astype(np.int64).transpose(2, 0, 1)
    return red + 256 * green + 65536 * blue


def square(left, top, width, height):
    right, bottom = left + width, top + height
    return [[left, top, right, top, right, bottom, left, bottom]]


def test_areas_are_those_of_the_file(dataset, folder):
    record = examine(dataset, 3)
    ids = read_ids(folder / 'panoptic_train/000004.png')
    segments = dataset.get_data_info(3)['segments']
    assert record.path == f'{folder}/train/000004.jpg'
    assert record.annotation == 'panoptic'
    assert [segment.area for segment in record.segments] == [(ids == segment['id']).sum() for segment in segments]
    assert [segment.label for segment in record.segments] == [segment['label'] for segment in segments]
    assert record.void_share == pytest.approx((ids == 0).mean())


def test_same_record_each_time(dataset):
    assert examine(dataset, 5) == examine(dataset, 5)


def test_follows_the_segments_through_the_pipeline(dataset):
    def cut(results):
        return results | {key: results[key][:8] for key in ('img', 'gt_seg_map')}

    dataset.pipeline.transforms.insert(2, cut)
    record = examine(dataset, 3)
    steps = [step for step, _ in record.visible]
    assert steps == ['LoadPanopticMap', 'function', 'RandomFlip', 'RandomCrop', 'SampleTask']
    counts = [count for _, count in record.visible]
    assert counts[0] == len(record.segments) > counts[1] == counts[2]


def test_counts_the_targets_of_each_task(dataset):
    del dataset.pipeline.transforms[3]  # the crop
    record = examine(dataset, 3)
    kinds = [(segment.label, segment.label in dataset.metainfo['thing_ids']) for segment in record.segments]
    assert record.targets == {
        'panoptic': len(kinds),
        'instance': sum(thing for _, thing in kinds),
        'semantic': len({label for label, _ in kinds}),
    }


def test_tasks_that_are_never_drawn_are_left_out():
    results = dict(
        tasks=('panoptic', 'instance'),
        gt_seg_map=np.array([[1, 1, 0]], np.uint8),
        segments=[dict(id=1, label=0, iscrowd=0)],
        classes=('cat',),
        thing_ids=(0,),
    )
    targets = targets_of_tasks(results, SampleTask(probabilities=dict(panoptic=1, semantic=1)))
    assert {task: found.texts for task, found in targets.items()} == {'panoptic': ['a photo with a cat']}


def test_an_error_becomes_the_fault_of_its_step(dataset):
    def break_(results):
        raise KeyError('depth')

    dataset.pipeline.transforms.insert(1, break_)
    record = examine(dataset, 0)
    assert record.fault == (FaultKind.FAILED, 'function', 'KeyError', "'depth'")
    assert record.digest is not None


def test_a_step_that_gives_no_sample_is_a_fault(dataset):
    dataset.pipeline.transforms.insert(1, lambda results: None)
    assert examine(dataset, 0).fault.kind is FaultKind.REJECTED


def test_walk_stops_at_a_fault(dataset, folder):
    (folder / 'panoptic_train/000001.png').unlink()
    steps = walk(dataset, 0)
    assert isinstance(next(steps)[0], LoadImageFromFile)
    with pytest.raises(SampleFault, match='000001.png') as raised:
        next(steps)
    assert raised.value.fault.step == LoadPanopticMap.__name__


def test_overlapping_instances_have_their_complete_areas(folder):
    classes = resolve_metainfo('coco')['classes'][:2]
    instances = [
        dict(image_id=1, id=1, category_id=1, bbox=[0, 0, 6, 4], area=24, iscrowd=0, segmentation=square(0, 0, 6, 4)),
        dict(image_id=1, id=2, category_id=2, bbox=[3, 0, 6, 4], area=24, iscrowd=0, segmentation=square(3, 0, 6, 4)),
    ]
    image = cv2.imread(str(folder / 'train/000001.jpg'))
    height, width = image.shape[:2]
    content = dict(
        images=[dict(id=1, file_name='000001.jpg', height=height, width=width)],
        annotations=instances,
        categories=[dict(id=number, name=name) for number, name in enumerate(classes, start=1)],
    )
    file = folder / 'overlapping.json'
    file.write_text(json.dumps(content))
    source = dict(
        type='mmdet.CocoDataset',
        metainfo=dict(classes=classes),
        ann_file=str(file),
        data_prefix=dict(img=f'{folder}/train'),
    )
    pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadSegments'), dict(type='SampleTask')]
    metainfo = dict(classes=classes, thing_ids=(0, 1))
    config = dict(type='MultiSourceDataset', metainfo=metainfo, sources=[source], pipeline=pipeline)
    record = examine(open_dataset(config), 0)
    assert record.annotation == 'instance'
    assert [segment.area for segment in record.segments] == [24, 24]
    assert record.void_share is None
    assert record.targets == {'instance': 2}


@pytest.mark.parametrize('workers', [0, 2])
def test_all_samples_are_examined_in_order(dataset, folder, workers):
    (folder / 'train/000003.jpg').write_bytes(b'')
    records = examine_all(dataset, title='train', workers=workers)
    assert records == [examine(dataset, index) for index in range(12)]
    assert [record.fault is None for record in records] == [True, True, False] + [True] * 9
