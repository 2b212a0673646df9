import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmoneformer.apis.check_dataset import check_dataset
from mmoneformer.data_check.diagnosis import BETWEEN
from mmoneformer.data_check.finding import Severity
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer_deploy.result_files import is_result

CONFIG = Path(__file__).parents[2] / 'configs/oneformer_tiny_shapes.py'


@pytest.fixture(scope='module')
def clean_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data_check') / 'shapes'
    write_shapes(folder, num_train=12, num_val=5, size=64, seed=0)
    return folder


@pytest.fixture
def folder(clean_folder, tmp_path):
    return Path(shutil.copytree(clean_folder, tmp_path / 'shapes'))


@pytest.fixture
def config(folder):
    cfg = Config.fromfile(CONFIG)
    for split in ('train', 'val'):
        cfg[f'{split}_dataloader'].dataset.data_root = f'{folder}/'
    return cfg


def check(config, folder, **options):
    settings = dict(out_dir=folder / 'check', workers=0, num_samples=1) | options
    return check_dataset(config, **settings), (folder / 'check/index.html').read_text()


def titles(findings):
    return [finding.title for finding in findings]


def merge(config, folder, *kinds):
    """Make the training data one of several kinds of annotation."""
    metainfo = config.metainfo
    things = tuple(metainfo.classes[index] for index in metainfo.thing_ids)
    sources = {
        'panoptic': dict(
            type='PanopticSegDataset',
            metainfo=metainfo,
            ann_file='annotations/panoptic_train.json',
            data_prefix=dict(img='train', seg='panoptic_train'),
        ),
        'instance': dict(
            type='mmdet.CocoDataset',
            metainfo=dict(classes=things),
            ann_file='annotations/instances_train.json',
            data_prefix=dict(img='train'),
        ),
        'semantic': dict(
            type='mmseg.BaseSegDataset',
            metainfo=dict(classes=metainfo.classes),
            data_prefix=dict(img_path='train', seg_map_path='semantic_train'),
            reduce_zero_label=True,
        ),
    }
    pipeline = config.train_dataloader.dataset.pipeline
    pipeline[1] = dict(type='LoadSegments')
    config.train_dataloader.dataset = dict(
        type='MultiSourceDataset',
        metainfo=metainfo,
        sources=[dict(data_root=f'{folder}/', **sources[kind]) for kind in kinds],
        pipeline=pipeline,
    )


def test_clean_data(config, folder, capsys):
    found, page = check(config, folder)
    assert found == {'train': [], 'val': [], BETWEEN: []}
    assert 'No problems found.' in page
    assert page.count('<img') == 2
    assert 'no problems found' in capsys.readouterr().out


def test_another_page_is_kept(config, folder):
    (folder / 'check').mkdir()
    (folder / 'check/index.html').write_text('mine')
    with pytest.raises(FileExistsError, match=r'check/index\.html is not a report on data: choose another folder'):
        check(config, folder)
    assert (folder / 'check/index.html').read_text() == 'mine'


def test_the_page_is_written_before_the_report_is_printed(config, folder, monkeypatch):
    """So that an error while printing leaves the page."""

    def print_report(*args):
        raise UnicodeEncodeError('charmap', 'x', 0, 1, 'character maps to <undefined>')

    monkeypatch.setattr('mmoneformer.apis.check_dataset.print_report', print_report)
    with pytest.raises(UnicodeEncodeError):
        check(config, folder, splits=['val'])
    assert is_result(folder / 'check/index.html')


def test_defects_of_every_split_in_one_run(config, folder, capsys):
    (folder / 'train/000002.jpg').write_bytes(b'no image')
    (folder / 'panoptic_train/000003.png').unlink()
    ids = cv2.imread(str(folder / 'panoptic_train/000004.png'))
    ids[5:9, 5:9] = 200
    cv2.imwrite(str(folder / 'panoptic_train/000004.png'), ids)
    shutil.copy(folder / 'train/000005.jpg', folder / 'val/000001.jpg')
    found, page = check(config, folder)
    assert titles(found['train']) == [
        '1 samples with missing files',
        '1 samples with ids or labels that are not listed in the annotation or in the classes',
        '1 samples with an unreadable file',
    ]
    assert titles(found[BETWEEN]) == ['1 of 5 validation images are also training images: metrics will be too high']
    printed = capsys.readouterr().out
    for finding in (*found['train'], *found[BETWEEN]):
        assert finding.title in printed
        assert finding.remedy in printed
        assert finding.title in page


def test_a_split_that_cannot_be_opened_does_not_hide_the_other(config, folder):
    (folder / 'annotations/panoptic_train.json').write_text('{"images": [')
    (folder / 'val/000001.jpg').unlink()
    found, page = check(config, folder)
    (finding,) = found['train']
    assert finding.severity is Severity.ERROR
    assert 'panoptic_train.json' in finding.examples[0]
    assert titles(found['val'])[0] == '1 samples with missing files'
    assert page.count('<img') == 1 - 1  # the only sample to be drawn is the missing one


@pytest.mark.parametrize('kind', ['panoptic', 'instance', 'semantic'])
def test_clean_sources_of_each_kind(config, folder, kind):
    merge(config, folder, kind)
    found, page = check(config, folder, splits=['train'])
    if kind == 'instance':  # of which one image has no thing, and nothing else teaches stuff
        stuff, empty = found['train']
        assert stuff.examples == ('grass', 'water', 'sand', 'sky')
        assert [Path(example).name for example in empty.examples] == ['000007.jpg']
    else:
        assert found == {'train': []}
    for task in ('panoptic', 'instance', 'semantic'):
        assert (f'The task is {task}' in page) == (kind in ('panoptic', task))


def test_mixed_sources(config, folder):
    merge(config, folder, 'panoptic', 'instance', 'semantic')
    labels = cv2.imread(str(folder / 'semantic_train/000003.png'), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(folder / 'semantic_train/000003.png'), np.full_like(labels, 60))
    (folder / 'panoptic_train/000004.png').unlink()
    found, _ = check(config, folder, splits=['train'])
    assert titles(found['train'])[:2] == [
        '1 samples with missing files',
        '1 samples with ids or labels that are not listed in the annotation or in the classes',
    ]


def test_a_split_that_the_config_does_not_name(config, folder):
    config.val_dataloader = None
    assert list(check(config, folder)[0]) == ['train']
    with pytest.raises(ValueError, match='no dataloader for'):
        check(config, folder, splits=['val'])
