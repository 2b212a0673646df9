import pytest

from mmoneformer.metainfo.category_ids import category_ids


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
    with pytest.raises(ValueError, match=r"unknown data set 'voc': .*'coco'"):
        category_ids('voc', ['cat'])
    with pytest.raises(ValueError, match=r"\['unicorn'\] are no classes of coco"):
        category_ids('coco', ['cat', 'unicorn'])
