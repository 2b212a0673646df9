import json
from pathlib import Path

import numpy as np

import mmoneformer  # noqa: F401  (before mmseg)
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.metainfo.mapillary import CATEGORIES

DATA = Path(__file__).parents[1] / 'data'
METAINFO = resolve_metainfo('mapillary')

STUFF = (
    'Curb, Fence, Guard Rail, Barrier, Wall, Bike Lane, Curb Cut, Parking, Pedestrian Area, Rail Track, Road, '
    'Service Lane, Sidewalk, Bridge, Building, Tunnel, Lane Marking - General, Mountain, Sand, Sky, Snow, Terrain, '
    'Vegetation, Water, Pothole, On Rails, Car Mount, Ego Vehicle'
)


def test_counts():
    assert len(METAINFO['classes']) == 65
    assert len(METAINFO['thing_ids']) == 37


def test_names_are_those_of_the_released_texts():
    with np.load(DATA / 'tokenizer.npz') as reference:
        assert list(METAINFO['classes']) == json.loads(str(reference['classes_mapillary_json']))


def test_stuff_is_what_the_data_set_has_no_instances_of():
    assert [category.name for category in CATEGORIES if not category.is_thing] == STUFF.split(', ')


def test_order_and_palette_are_those_of_mmseg_but_for_void():
    from mmseg.datasets.mapillary import MapillaryDataset_v1

    theirs = MapillaryDataset_v1.METAINFO
    assert (*METAINFO['classes'], 'Unlabeled') == theirs['classes']
    assert [list(color) for color in METAINFO['palette']] == theirs['palette'][:65]


def test_annotation_ids_count_from_one():
    assert [category.id for category in CATEGORIES] == list(range(1, 66))
