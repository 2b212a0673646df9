import json
from pathlib import Path

import numpy as np

import mmoneformer  # noqa: F401  (before mmseg)
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.metainfo.ade20k import CATEGORIES

DATA = Path(__file__).parents[1] / 'data'
METAINFO = resolve_metainfo('ade20k')

# Scene parsing label of the instance classes 1 to 100, from the data set's ade20k_instance_catid_mapping.txt.
LABEL_OF_INSTANCE_CLASS = (
    '8 9 11 13 15 16 19 20 21 23 24 25 28 31 32 33 34 36 37 38 39 40 42 43 44 45 46 48 50 51 54 56 57 58 59 63 65 66 '
    '67 68 70 71 72 73 74 75 76 77 79 81 82 83 84 86 87 88 89 90 91 93 94 96 98 99 103 104 105 108 109 111 112 113 '
    '116 117 119 120 121 122 124 125 126 127 128 130 131 133 134 135 136 137 138 139 140 143 144 145 147 148 149 150'
)


def test_counts():
    assert len(METAINFO['classes']) == 150
    assert len(METAINFO['thing_ids']) == 100


def test_names_are_those_of_the_released_texts():
    with np.load(DATA / 'tokenizer.npz') as reference:
        assert list(METAINFO['classes']) == json.loads(str(reference['classes_ade20k_json']))
    assert 'window ' in METAINFO['classes']


def test_things_are_the_instance_classes_in_their_order():
    labels = [int(label) for label in LABEL_OF_INSTANCE_CLASS.split()]
    assert [category.id + 1 for category in CATEGORIES if category.is_thing] == labels


def test_order_and_palette_are_those_of_mmseg():
    from mmseg.datasets import ADE20KDataset

    theirs = ADE20KDataset.METAINFO
    assert [list(color) for color in METAINFO['palette']] == theirs['palette']
    # mmseg shortens the names, and calls ten of the classes otherwise
    firsts = [name.split(',')[0].strip() for name in METAINFO['classes']]
    renamed = {ours: name for ours, name in zip(firsts, theirs['classes'], strict=True) if ours != name.strip()}
    assert renamed == {
        'window': 'windowpane',
        'tub': 'bathtub',
        'rail': 'railing',
        'street lamp': 'streetlight',
        'tv': 'television receiver',
        'plane': 'airplane',
        'clothes': 'apparel',
        'pool': 'swimming pool',
        'falls': 'waterfall',
        'trash can': 'ashcan',
    }


def test_annotation_ids_are_the_class_indices():
    assert [category.id for category in CATEGORIES] == list(range(150))
