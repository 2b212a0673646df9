from dataclasses import replace

import cv2
import pytest

from mmoneformer.data_check.finding import Severity
from mmoneformer.data_check.label_checks import (
    class_imbalance,
    classes_without_segment,
    crowds_alone,
    images_per_class,
    images_without_target,
    other_classes_than_model,
    segments_without_pixel,
    unlabeled_pixels,
)
from mmoneformer.data_check.sample_record import SampleRecord, SegmentRecord, SplitRecord
from mmoneformer.metainfo import resolve_metainfo

METAINFO = resolve_metainfo(dict(classes=('sky', 'cat', 'car'), thing_ids=(1, 2)))


def sample(*segments, void_share=0.0, path='a.jpg'):
    return SampleRecord(
        path, annotation='panoptic', segments=tuple(SegmentRecord(*s) for s in segments), void_share=void_share
    )


def split(*samples, name='train'):
    return SplitRecord(name, METAINFO, list(samples))


@pytest.mark.parametrize(
    'check',
    [class_imbalance, classes_without_segment, images_without_target, segments_without_pixel, unlabeled_pixels],
)
def test_nothing_on_clean_data(check, read):
    assert list(check(read())) == []


def test_unlabeled_pixels_of_a_file(read, folder):
    file = folder / 'panoptic_train/000002.png'
    ids = cv2.imread(str(file))
    ids[: ids.shape[0] * 3 // 4] = 0
    cv2.imwrite(str(file), ids)
    (found,) = unlabeled_pixels(read())
    assert found.severity is Severity.WARNING
    assert found.title.startswith('1 images')
    assert 'train/000002.jpg: 7' in found.examples[0]


def test_most_unlabeled_images_come_first():
    samples = [sample(void_share=share, path=f'{share}.jpg') for share in (0.6, 0.4, 0.9)]
    (found,) = unlabeled_pixels(split(*samples))
    assert found.examples == ('0.9.jpg: 90.0%', '0.6.jpg: 60.0%')


def test_crowds_alone():
    (found,) = crowds_alone(split(sample((1, 1, 9)), sample(), sample((2, 1, 9), (0, 1, 0))))
    assert found.severity is Severity.ERROR
    assert found.title.startswith('all 3 segments are crowds (iscrowd=1)')
    assert list(crowds_alone(split(sample((1, 1, 9), (2, 0, 9))))) == []
    assert list(crowds_alone(split(sample()))) == []


def test_label_maps_that_begin_at_0():
    """The last class never occurs where all labels are reduced by one that should not be."""
    maps = replace(sample((0, 0, 9), (1, 0, 9)), annotation='semantic')
    (found,) = classes_without_segment(split(maps))
    assert 'If 0 is the first class of the label maps, set reduce_zero_label=False' in found.remedy
    (found,) = classes_without_segment(split(sample((0, 0, 9), (1, 0, 9))))
    assert 'reduce_zero_label' not in found.remedy


def test_background_of_label_maps():
    (found,) = unlabeled_pixels(split(replace(sample(void_share=0.9), annotation='semantic')))
    assert 'reduce_zero_label=False where 0 is the background' in found.remedy


def test_segment_without_pixel(read, edit_json):
    edit_json(lambda c: c['annotations'][3]['segments_info'].append({'id': 1 << 20, 'category_id': 2, 'iscrowd': 0}))
    (found,) = segments_without_pixel(read())
    assert found.severity is Severity.NOTE
    assert found.title == '1 images list segments without pixels, 1 in total'


def test_image_without_target():
    crowd_alone, empty = sample((1, 1, 50), path='crowd.jpg'), sample(path='empty.jpg')
    (found,) = images_without_target(split(sample((0, 0, 9)), crowd_alone, empty, SampleRecord('no annotation.jpg')))
    assert found.examples == ('crowd.jpg', 'empty.jpg')
    assert list(images_without_target(split(empty, name='val'))) == []  # which teaches nothing


def test_class_without_segment(config, read):
    classes = (*config.metainfo.classes, 'cloud')
    config.train_dataloader.dataset.metainfo = dict(classes=classes, thing_ids=config.metainfo.thing_ids)
    (found,) = classes_without_segment(read())
    assert found.severity is Severity.WARNING
    assert found.title.startswith('1 of 10 classes')
    assert found.examples == ('cloud',)


def test_class_without_segment_in_validation_is_a_note():
    (found,) = classes_without_segment(split(sample((0, 0, 9)), name='val'))
    assert found.severity is Severity.NOTE
    assert found.examples == ('cat', 'car')


def test_class_imbalance():
    samples = [sample((0, 0, 9), (1, 0, 5)) for _ in range(201)]
    (found,) = class_imbalance(split(*samples, sample((2, 0, 9)), sample((2, 0, 9))))
    assert found.severity is Severity.NOTE
    assert found.examples == ('car: 2 images',)
    assert list(class_imbalance(split(*samples, *[sample((2, 0, 9))] * 3))) == []


def test_a_class_counts_once_per_image_without_crowds():
    counted = images_per_class(split(sample((0, 0, 4), (0, 0, 2), (1, 1, 7), (2, 0, 0)), sample((0, 0, 1))))
    assert counted == {0: 2}


def test_other_classes_than_the_model(read):
    train = read()
    assert list(other_classes_than_model(train, train.metainfo)) == []
    classes = list(train.metainfo['classes'][:-1])
    classes[:2] = classes[1::-1]
    model = resolve_metainfo(dict(classes=classes, thing_ids=(0, 2, 4, 6)))
    (found,) = other_classes_than_model(train, model)
    assert found.severity is Severity.ERROR
    assert found.examples == (
        'class 0: circle (thing) in the model, grass (stuff) in the data',
        'class 1: grass (stuff) in the model, circle (thing) in the data',
        'class 7: ring (stuff) in the model, ring (thing) in the data',
        'class 8: none in the model, sky (stuff) in the data',
    )
