"""Each defect is planted in files, and found by its kind."""

import shutil

import cv2
import numpy as np
import pytest

from mmoneformer.data_check.file_checks import (
    REPORTS,
    copies_between_splits,
    dark_pictures,
    left_out,
    names_in_both_splits,
    unusable_samples,
)
from mmoneformer.data_check.finding import Severity
from mmoneformer.data_check.sample_record import Fault, FaultKind, SampleRecord, SplitRecord
from mmoneformer.datasets.left_out import Remark

MAP = 'panoptic_train/000004.png'


def only(findings):
    findings = list(findings)
    assert len(findings) == 1, findings
    return findings[0]


def test_nothing_where_all_can_be_read(read):
    assert list(unusable_samples(read())) == []


@pytest.mark.parametrize('file', ['train/000004.jpg', MAP])
def test_missing_file(read, folder, file):
    (folder / file).unlink()
    found = only(unusable_samples(read()))
    assert found.severity is Severity.ERROR
    assert found.title == '1 samples with missing files'
    assert '000004' in found.examples[0]
    assert 'data_prefix' in found.remedy


def test_names_of_another_system(read, edit_json):
    edit_json(lambda content: content['images'][3].update(file_name='sub\\4.jpg'))
    assert 'a backslash separates folders on Windows alone' in only(unusable_samples(read())).remedy


def test_pictures_of_more_than_8_bits(read, folder):
    """12-bit data in 16 bits are nearly black; a dark picture of 16 bits among others is only dark."""
    assert list(dark_pictures(read())) == []
    for number, suffix in ((2, '.png'), (3, '.tif')):
        picture = np.full((*cv2.imread(str(folder / f'train/{number:06}.jpg')).shape[:2], 3), 4000 + number, np.uint16)
        cv2.imwrite(str(folder / f'train/{number:06}{suffix}'), picture)
        (folder / f'train/{number:06}{suffix}').rename(folder / f'train/{number:06}.jpg')
    record = read()
    found = only(dark_pictures(record))
    assert found.title.startswith('2 images have 16 bits per value, but none is above 4003: ')
    assert found.title.endswith('end at 15 of 255')
    assert found.examples[0].endswith('000002.jpg: greatest value 4002')
    bright = SampleRecord('bright.png', greatest=40000)
    assert list(dark_pictures(SplitRecord('train', {}, [*record.samples, bright]))) == []


def test_what_the_sources_leave_out():
    remarks = [Remark('7 things', tuple('abcdefg'), 'Add them.'), Remark('1 space', (), 'Nothing.', is_harmless=True)]
    warning, note = left_out(SplitRecord('train', {}, [], remarks))
    assert (warning.severity, note.severity) == (Severity.WARNING, Severity.NOTE)
    assert (warning.title, warning.examples, warning.remedy) == ('7 things', tuple('abcde'), 'Add them.')


@pytest.mark.parametrize(('file', 'kept'), [('train/000004.jpg', 300), ('train/000004.jpg', 0), (MAP, 60)])
def test_file_that_is_cut_short(read, folder, file, kept):
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[:kept])
    found = only(unusable_samples(read()))
    assert found.title == '1 samples with an unreadable file'
    assert '000004' in found.examples[0]


def test_map_of_another_size(read, folder):
    ids = cv2.imread(str(folder / MAP))
    cv2.imwrite(str(folder / MAP), ids[:-5])
    found = only(unusable_samples(read()))
    assert found.title == '1 samples whose annotation has another size than the image'


def test_annotation_of_another_size(read, edit_json):
    edit_json(lambda content: content['images'][3].update(height=1000))
    found = only(unusable_samples(read()))
    assert found.title == '1 samples whose annotation has another size than the image'


def test_ids_that_are_not_listed(read, folder, edit_json):
    edit_json(lambda content: content['annotations'][3]['segments_info'].pop())
    edit_json(lambda content: content['annotations'][5]['segments_info'][0].update(category_id=99))
    found = only(unusable_samples(read()))
    assert found.title == '2 samples with ids or labels that are not listed in the annotation or in the classes'
    assert ['000004' in example for example in found.examples] == [False, True]  # those of the json come first


def test_label_beyond_the_classes(config, read, folder):
    labels = np.full(cv2.imread(str(folder / 'train/000004.jpg')).shape[:2], 77, np.uint8)
    cv2.imwrite(str(folder / 'semantic_train/000004.png'), labels)
    metainfo = config.metainfo
    source = dict(
        type='mmseg.BaseSegDataset',
        metainfo=dict(classes=metainfo.classes),
        data_root=str(folder),
        data_prefix=dict(img_path='train', seg_map_path='semantic_train'),
        reduce_zero_label=True,
    )
    pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadSegments')]
    config.train_dataloader.dataset = dict(
        type='MultiSourceDataset', metainfo=metainfo, sources=[source], pipeline=pipeline
    )
    found = only(unusable_samples(read()))
    assert found.title == '1 samples with ids or labels that are not listed in the annotation or in the classes'
    assert 'has labels [76]' in found.examples[0]


def test_contradiction_in_the_annotation(read, edit_json):
    edit_json(lambda content: content['annotations'][3]['segments_info'][0].update(id=0))
    found = only(unusable_samples(read()))
    assert found.title == '1 samples with an inconsistent annotation'


def test_transform_that_fails_and_one_that_rejects():
    faults = [
        Fault(FaultKind.FAILED, 'Resize', 'KeyError', 'scale'),
        Fault(FaultKind.REJECTED, 'RandomCrop', 'rejected', 'RandomCrop returned None'),
    ]
    split = SplitRecord('train', {}, [SampleRecord('a.jpg', fault=fault) for fault in faults])
    rejected, failed = unusable_samples(split)
    assert (rejected.severity, failed.severity) == (Severity.WARNING, Severity.ERROR)
    assert failed.examples == ('a.jpg: Resize: KeyError: scale',)


def split(name, **digests):
    return SplitRecord(name, {}, [SampleRecord(f'{name}/{image}.jpg', digest) for image, digest in digests.items()])


def test_copy_of_a_training_image(read, folder):
    shutil.copy(folder / 'train/000007.jpg', folder / 'val/000002.jpg')
    (found,) = copies_between_splits(read('train'), read('val'))
    assert found.severity is Severity.WARNING
    assert found.title.startswith('1 of 5')
    assert found.examples == (f'{folder}/val/000002.jpg = {folder}/train/000007.jpg',)


@pytest.mark.parametrize('check', [copies_between_splits, names_in_both_splits])
def test_no_image_of_clean_data_is_in_both_splits(check, read):
    assert list(check(read('train'), read('val'))) == []


def test_same_name_and_other_content():
    train, val = split('train', a='1', b='2', c='3'), split('val', a='4', b='2', d='5')
    (found,) = names_in_both_splits(train, val)
    assert found.severity is Severity.NOTE
    assert found.examples == ('val/a.jpg',)


def test_images_that_could_not_be_read_are_no_copies():
    assert list(copies_between_splits(split('train', a=None), split('val', b=None))) == []


def test_every_kind_of_fault_is_reported():
    assert set(REPORTS) == set(FaultKind)
