import shutil

import pytest

from mmoneformer.data_check.finding import Severity
from mmoneformer.data_check.sample_record import SampleRecord, SplitRecord
from mmoneformer.data_check.split_checks import copies_between_splits, names_in_both_splits, other_classes_than_model
from mmoneformer.metainfo import resolve_metainfo


def split(name, **digests):
    return SplitRecord(name, {}, [SampleRecord(f'{name}/{image}.jpg', digest) for image, digest in digests.items()])


def test_copy_of_a_training_image(read, folder):
    shutil.copy(folder / 'train/000007.jpg', folder / 'val/000002.jpg')
    (found,) = copies_between_splits(read('train'), read('val'))
    assert found.severity is Severity.WARNING
    assert found.title.startswith('1 of 5')
    assert found.examples == (f'{folder}/val/000002.jpg = {folder}/train/000007.jpg',)


@pytest.mark.parametrize('check', [copies_between_splits, names_in_both_splits])
def test_nothing_on_clean_data(check, read):
    assert list(check(read('train'), read('val'))) == []


def test_same_name_and_other_content():
    train, val = split('train', a='1', b='2', c='3'), split('val', a='4', b='2', d='5')
    (found,) = names_in_both_splits(train, val)
    assert found.severity is Severity.NOTE
    assert found.examples == ('val/a.jpg',)


def test_images_that_could_not_be_read_are_no_copies():
    assert list(copies_between_splits(split('train', a=None), split('val', b=None))) == []


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
