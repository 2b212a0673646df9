"""A small clean data set, a copy of it to plant defects in, and the records of its splits."""

import json
import shutil
from pathlib import Path

import pytest
from mmengine.config import Config

from mmoneformer.data_check.examination import examine_all
from mmoneformer.data_check.sample_record import SplitRecord
from mmoneformer.data_check.tolerant_dataset import open_dataset
from mmoneformer.datasets.shapes.folder import write_shapes

TINY_CONFIG = Path(__file__).parents[2] / 'configs/oneformer_tiny_shapes.py'


@pytest.fixture(scope='session')
def clean_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data_check') / 'shapes'
    write_shapes(folder, num_train=12, num_val=5, size=64, seed=0)
    return folder


@pytest.fixture
def folder(clean_folder, tmp_path):
    return Path(shutil.copytree(clean_folder, tmp_path / 'shapes'))


@pytest.fixture
def config(folder):
    cfg = Config.fromfile(TINY_CONFIG)
    for split in ('train', 'val'):
        cfg[f'{split}_dataloader'].dataset.data_root = f'{folder}/'
    return cfg


@pytest.fixture
def edit_json(folder):
    """Change the panoptic annotation of a split with a function."""

    def edit(change, split='train'):
        file = folder / 'annotations' / f'panoptic_{split}.json'
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content))

    return edit


@pytest.fixture
def read(config):
    """The record of a split, as the config is then."""

    def record(split='train'):
        dataset = open_dataset(config[f'{split}_dataloader'].dataset)
        return SplitRecord(split, dataset.metainfo, examine_all(dataset, title=split, workers=0))

    return record
