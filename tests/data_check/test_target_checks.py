import pytest
from mmengine.config import Config

from mmoneformer.data_check.finding import Severity
from mmoneformer.data_check.sample_record import SampleRecord, SegmentRecord, SplitRecord
from mmoneformer.data_check.target_checks import (
    ModelCapacity,
    images_left_without_target,
    lost_segments,
    model_capacity,
    more_targets_than_texts,
)


def split(*samples):
    return SplitRecord('train', {}, list(samples))


@pytest.mark.parametrize('check', [lost_segments, images_left_without_target])
def test_nothing_on_clean_data(check, read):
    assert list(check(read())) == []


def test_segments_that_a_resize_loses(config, read):
    resize = dict(type='mmdet.Resize', scale=(8, 8), keep_ratio=True)
    config.train_dataloader.dataset.pipeline.insert(2, resize)
    (found,) = lost_segments(read())
    assert found.severity is Severity.WARNING
    assert found.title.startswith('Resize loses')
    assert 'larger image scale' in found.remedy


def test_segments_that_a_crop_loses(config, read):
    config.train_dataloader.dataset.pipeline[3].crop_size = (8, 8)
    found = [finding.title for finding in lost_segments(read())]
    assert len(found) == 1
    assert found[0].startswith('RandomCrop loses')


def test_share_of_lost_segments():
    lossy = [
        SampleRecord('a.jpg', annotation='panoptic', visible=(('Load', 60), ('Resize', 58), ('RandomCrop', 30))),
        SampleRecord('b.jpg', annotation='panoptic', visible=(('Load', 40), ('Resize', 40), ('RandomCrop', 30))),
    ]
    (found,) = lost_segments(split(*lossy))
    assert found.title == 'Resize loses 2.0% of the segments (2 of 100), in 1 images'
    assert found.examples == ('a.jpg: 2',)


def test_images_that_a_crop_leaves_empty():
    def sample(path, count):
        segments = (SegmentRecord(0, 0, 9),)
        return SampleRecord(path, annotation='panoptic', segments=segments, targets={'panoptic': count})

    (found,) = images_left_without_target(split(sample('a.jpg', 0), *[sample('b.jpg', 2)] * 5))
    assert found.examples == ('a.jpg',)
    assert list(images_left_without_target(split(sample('a.jpg', 0), *[sample('b.jpg', 2)] * 9))) == []


def test_more_targets_than_texts(read):
    train = read()
    assert list(more_targets_than_texts(train, ModelCapacity(30, 6))) == []
    most = max(sample.targets['panoptic'] for sample in train.samples)
    (found,) = more_targets_than_texts(train, ModelCapacity(most + 1, 2))
    assert found.severity is Severity.WARNING
    assert f'(up to {most})' in found.title
    assert f'texts: {most - 1} for {most + 1} queries' in found.title
    assert f'at least {most + 2}' in found.remedy
    assert f': {most} (panoptic task)' in found.examples[0]


def test_capacity_of_a_config(config):
    assert model_capacity(config.model) == ModelCapacity(num_queries=30, num_context=6)
    assert model_capacity(config.model).num_texts == 24


def test_capacity_defaults_to_that_of_the_paper():
    cfg = Config.fromfile('configs/oneformer_swin-l_ade20k.py')
    assert model_capacity(cfg.model) == ModelCapacity(num_queries=250, num_context=16)


def test_capacity_without_text_mapper(config):
    config.model.panoptic_head.text_mapper = None
    assert model_capacity(config.model).num_queries == 30
