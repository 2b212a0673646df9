import json
from pathlib import Path

import numpy as np

import mmoneformer  # noqa: F401  (before mmseg)
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.metainfo.cityscapes import CATEGORIES

DATA = Path(__file__).parents[1] / 'data'
METAINFO = resolve_metainfo('cityscapes')


def test_counts():
    assert len(METAINFO['classes']) == 19
    assert METAINFO['thing_ids'] == tuple(range(11, 19))


def test_names_are_those_of_the_released_texts():
    with np.load(DATA / 'tokenizer.npz') as reference:
        assert list(METAINFO['classes']) == json.loads(str(reference['classes_cityscapes_json']))


def test_order_and_palette_are_those_of_mmseg():
    from mmseg.datasets import CityscapesDataset

    theirs = CityscapesDataset.METAINFO
    assert METAINFO['classes'] == theirs['classes']
    assert [list(color) for color in METAINFO['palette']] == theirs['palette']


def test_annotation_ids_are_the_label_ids():
    label_ids = {
        'road': 7,
        'sidewalk': 8,
        'building': 11,
        'wall': 12,
        'fence': 13,
        'pole': 17,
        'traffic light': 19,
        'traffic sign': 20,
        'vegetation': 21,
        'terrain': 22,
        'sky': 23,
        'person': 24,
        'rider': 25,
        'car': 26,
        'truck': 27,
        'bus': 28,
        'train': 31,
        'motorcycle': 32,
        'bicycle': 33,
    }
    assert {category.name: category.id for category in CATEGORIES} == label_ids
