from pathlib import Path

import pytest

from mmoneformer import metainfo
from mmoneformer.metainfo.category import KNOWN_DATASETS, Category, category_ids
from mmoneformer.metainfo.resolve import resolve_metainfo

CATEGORIES = (
    Category(7, 'road', False, (128, 64, 128)),
    Category(26, 'car', True, (0, 0, 142)),
    Category(11, 'building', False, (70, 70, 70)),
)


@pytest.fixture
def _town(monkeypatch):
    monkeypatch.setitem(KNOWN_DATASETS, 'town', CATEGORIES)


@pytest.mark.usefixtures('_town')
def test_other_code_can_add_a_data_set():
    assert resolve_metainfo('town') == {
        'classes': ('road', 'car', 'building'),
        'thing_ids': (1,),
        'palette': [(128, 64, 128), (0, 0, 142), (70, 70, 70)],
    }
    assert category_ids('town', ['building', 'road']) == [11, 7]


def test_each_module_is_a_known_data_set():
    modules = {file.stem for file in Path(metainfo.__file__).parent.glob('*.py')}
    assert modules - {'__init__', 'category', 'resolve'} == set(KNOWN_DATASETS)


def test_json_entry():
    assert CATEGORIES[1].as_json() == {
        'id': 26,
        'name': 'car',
        'supercategory': 'car',
        'isthing': 1,
        'color': [0, 0, 142],
    }


@pytest.mark.parametrize(
    ('dataset', 'classes', 'ids'),
    [
        ('coco', ['rug-merged', 'person', 'fire hydrant'], [200, 1, 11]),
        ('cityscapes', ['bicycle', 'road'], [33, 7]),
        ('ade20k', ['window ', 'wall'], [8, 0]),
        ('mapillary', ['Bird'], [1]),
    ],
)
def test_ids_are_found_by_name(dataset, classes, ids):
    assert category_ids(dataset, classes) == ids


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"unknown data set 'voc': choose one of .*'coco'.*KNOWN_DATASETS"):
        category_ids('voc', ['cat'])
    with pytest.raises(ValueError, match=r"\['unicorn'\] are not classes of coco"):
        category_ids('coco', ['cat', 'unicorn'])
