"""Each defect is planted in files, and found by its kind."""

import cv2
import numpy as np
import pytest

from mmoneformer.data_check.file_checks import unusable_samples
from mmoneformer.data_check.finding import Severity
from mmoneformer.data_check.sample_record import Fault, SampleRecord, SplitRecord

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
    assert found.title == '1 samples whose files are missing'
    assert '000004' in found.examples[0]
    assert 'data_prefix' in found.remedy


@pytest.mark.parametrize(('file', 'kept'), [('train/000004.jpg', 300), ('train/000004.jpg', 0), (MAP, 60)])
def test_file_that_is_cut_short(read, folder, file, kept):
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[:kept])
    found = only(unusable_samples(read()))
    assert found.title == '1 samples with a file that cannot be read'
    assert '000004' in found.examples[0]


def test_map_of_another_size(read, folder):
    ids = cv2.imread(str(folder / MAP))
    cv2.imwrite(str(folder / MAP), ids[:-5])
    found = only(unusable_samples(read()))
    assert found.title == '1 samples whose annotation is of another size than the image'


def test_annotation_of_another_size(read, edit_json):
    edit_json(lambda content: content['images'][3].update(height=1000))
    found = only(unusable_samples(read()))
    assert found.title == '1 samples whose annotation is of another size than the image'


def test_ids_that_are_not_listed(read, folder, edit_json):
    edit_json(lambda content: content['annotations'][3]['segments_info'].pop())
    edit_json(lambda content: content['annotations'][5]['segments_info'][0].update(category_id=99))
    found = only(unusable_samples(read()))
    assert found.title == '2 samples with ids or labels that the annotation or the classes do not list'
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
    assert found.title == '1 samples with ids or labels that the annotation or the classes do not list'
    assert 'has labels [76]' in found.examples[0]


def test_contradiction_in_the_annotation(read, edit_json):
    edit_json(lambda content: content['annotations'][3]['segments_info'][0].update(id=0))
    found = only(unusable_samples(read()))
    assert found.title == '1 samples whose annotation contradicts itself'


def test_transform_that_fails_and_one_that_rejects():
    faults = [
        Fault('Resize', 'KeyError', 'scale'),
        Fault('RandomCrop', 'rejection', 'RandomCrop takes no such sample'),
    ]
    split = SplitRecord('train', {}, [SampleRecord('a.jpg', fault=fault) for fault in faults])
    rejected, failed = unusable_samples(split)
    assert (rejected.severity, failed.severity) == (Severity.WARNING, Severity.ERROR)
    assert failed.examples == ('a.jpg: Resize: KeyError: scale',)
