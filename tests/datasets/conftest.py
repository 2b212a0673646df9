"""A panoptic data set of three images."""

import json
from copy import deepcopy
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset

CATEGORIES = [
    {'id': 7, 'name': 'car', 'isthing': 1, 'color': [1, 2, 3]},
    {'id': 3, 'name': 'road', 'isthing': 0, 'color': [4, 5, 6]},
    {'id': 40, 'name': 'cat', 'isthing': 1, 'color': [7, 8, 9]},
]
METAINFO = {'classes': ('road', 'dog', 'cat', 'car'), 'thing_ids': (1, 2, 3)}
CONTENT = {
    'categories': CATEGORIES,
    'images': [
        {'id': 11, 'file_name': 'a/one.jpg', 'height': 6, 'width': 10},
        {'id': 5, 'file_name': 'two.jpg', 'height': 12, 'width': 9},
        {'id': 8, 'file_name': 'three.jpg', 'height': 20, 'width': 30},
    ],
    'annotations': [
        {'image_id': 5, 'file_name': 'two.png', 'segments_info': [{'id': 9, 'category_id': 3, 'iscrowd': 0}]},
        {
            'image_id': 11,
            'file_name': 'a/one.png',
            'segments_info': [{'id': 70000, 'category_id': 40}, {'id': 2, 'category_id': 7, 'iscrowd': 1}],
        },
        {'image_id': 8, 'file_name': 'three.png', 'segments_info': [{'id': 4, 'category_id': 7, 'iscrowd': 1}]},
    ],
}


@pytest.fixture
def content():
    return deepcopy(CONTENT)


@pytest.fixture
def make(tmp_path: Path, content):
    """Writes ``content`` and the files it names at first, then builds the data set."""
    for folder, suffix in (('img', '.jpg'), ('seg', '.png')):
        (tmp_path / folder / 'a').mkdir(parents=True)
        for name in ('a/one', 'two', 'three'):
            cv2.imwrite(str(tmp_path / folder / f'{name}{suffix}'), np.zeros((6, 10, 3), np.uint8))

    def build(**options):
        (tmp_path / 'ann.json').write_text(json.dumps(content))
        options = {'data_prefix': {'img': 'img', 'seg': 'seg'}, 'metainfo': METAINFO} | options
        return PanopticSegDataset(ann_file='ann.json', data_root=str(tmp_path), **options)

    return build
