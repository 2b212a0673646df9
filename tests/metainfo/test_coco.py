import json
from pathlib import Path

import numpy as np

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.metainfo.coco import CATEGORIES

DATA = Path(__file__).parents[1] / 'data'
METAINFO = resolve_metainfo('coco')

# Of the ids 1 to 200: those of classes that the 2017 annotations do not have, and of classes merged into 184 to 200.
THING_GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
STUFF_IDS = (
    '92 93 95 100 107 109 112 118 119 122 125 128 130 133 138 141 144 145 147 148 149 151 154 155 156 159 161 166 168 '
    '171 175 176 177 178 180 181 184 185 186 187 188 189 190 191 192 193 194 195 196 197 198 199 200'
)


def test_counts():
    assert len(METAINFO['classes']) == 133
    assert METAINFO['thing_ids'] == tuple(range(80))


def test_names_are_those_of_the_released_texts():
    with np.load(DATA / 'tokenizer.npz') as reference:
        assert list(METAINFO['classes']) == json.loads(str(reference['classes_coco_json']))


def test_order_and_palette_are_those_of_mmdet():
    from mmdet.datasets import CocoPanopticDataset

    theirs = CocoPanopticDataset.METAINFO
    assert METAINFO['classes'] == theirs['classes']
    assert METAINFO['palette'] == theirs['palette']
    assert METAINFO['classes'][:80] == theirs['thing_classes']


def test_annotation_ids():
    things = [category.id for category in CATEGORIES if category.is_thing]
    stuff = [category.id for category in CATEGORIES if not category.is_thing]
    assert things == [index for index in range(1, 91) if index not in THING_GAPS]
    assert stuff == [int(index) for index in STUFF_IDS.split()]


def test_annotation_ids_beside_the_names():
    ids = {category.name: category.id for category in CATEGORIES}
    assert ids['person'] == 1
    assert ids['toothbrush'] == 90
    assert ids['banner'] == 92
    assert ids['river'] == 148
    assert ids['window-other'] == 181
    assert ids['rug-merged'] == 200
