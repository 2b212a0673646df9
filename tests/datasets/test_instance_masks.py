"""Masks that pycocotools would read as something else, or that would end the process."""

import re

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmoneformer.datasets.instance_masks import check_masks
from mmoneformer.errors import AnnotationError, AnnotationSizeError

SIZE = (13, 17)
SQUARE = [3, 2, 11, 2, 11, 6, 3, 6]
GOOD = {'area': 32, 'bbox': [3, 2, 8, 4]}


def check(*segmentations, **more):
    annotations = {
        2 * index: {'id': 70 + index, 'image_id': 'a', 'segmentation': value, **GOOD, **more}
        for index, value in enumerate(segmentations)
    }
    return check_masks(annotations, {'a': SIZE})


def compressed(mask):
    return {'size': list(SIZE), 'counts': coco_mask.encode(np.asfortranarray(mask, np.uint8))['counts'].decode()}


def test_nothing_is_changed_where_nothing_is_wrong():
    rng = np.random.default_rng(0)
    codes = [compressed(rng.random(SIZE) < share) for share in (0, 0.01, 0.3, 0.9, 1)]
    runs = {'size': list(SIZE), 'counts': [5, 3, 13 * 17 - 8]}
    assert check(*codes, [SQUARE, [-50, -50, 30, 5, 30.5, 30]], runs, codes[2]) == ({}, [], [])
    assert check() == ({}, [], [])


def test_long_runs():
    """Of several characters each, with negative differences."""
    mask = np.zeros((700, 900), bool)
    mask[100:, 3:500] = mask[5:20, 600:] = True
    code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    code = {'size': [700, 900], 'counts': code['counts'].decode()}
    annotation = {'id': 1, 'image_id': 1, 'segmentation': code, **GOOD}
    assert check_masks({0: annotation, 1: annotation}, {1: (700, 900)}) == ({}, [], [])
    with pytest.raises(AnnotationError, match='do not fill the image'):
        check_masks({0: annotation | {'segmentation': code | {'size': [701, 900]}}}, {1: (701, 900)})


def test_polygon_without_its_outer_list():
    assert check([SQUARE], SQUARE).changes == {2: {'segmentation': [SQUARE]}}


@pytest.mark.parametrize(
    ('segmentation', 'message'),
    [
        ([], 'has no mask, got []: boxes are not learned: write polygons or run lengths'),
        (None, 'has no mask, got None'),
        ('abc', "has no mask, got 'abc'"),
        ([[5, 5, 30, 30]], 'has a polygon that is not one of at least three points, got [[5, 5, 30, 30]]'),
        ([SQUARE, [5, 5, 30, 30]], 'not one of at least three points'),
        ([[5, 5, 30, 5, 30, 30, 7]], 'not one of at least three points'),
        ([[]], 'not one of at least three points'),
        ([[5, 5, 30, 5, float('nan'), 30]], 'a coordinate that no image has, got [[5, 5, 30, 5, nan, 30]]'),
        ([SQUARE, [float('-inf'), 5, 30, 5, 30, 30]], 'a coordinate that no image has'),
        ([[5, 5, 1e9, 5, 30, 30]], 'a coordinate that no image has'),
        ([[5, 5, 10**400, 5, 30, 30]], 'a coordinate that no image has'),
        ([['5', '5', '30', '5', '30', '30']], "of something else than numbers, got [['5', '5', '30', '5'"),
        (['5', '5', '30', '5', '30', '30'], 'of something else than numbers'),
        ([SQUARE, None], 'of something else than numbers'),
        ([[[5, 5], [30, 5], [30, 30]]], 'of something else than numbers'),
        ({'counts': [10, 20]}, "has no 'size' and 'counts'"),
        ({'size': list(SIZE), 'counts': [10, 100000]}, 'has run lengths that do not fill the image'),
        ({'size': list(SIZE), 'counts': [10, -5, 216]}, 'do not fill the image'),
        ({'size': list(SIZE), 'counts': [10, 211.0]}, 'do not fill the image'),
        ({'size': list(SIZE), 'counts': []}, 'do not fill the image'),
        ({'size': list(SIZE), 'counts': None}, 'do not fill the image'),
        ({'size': list(SIZE), 'counts': ''}, 'do not fill the image'),
        ({'size': list(SIZE), 'counts': 'ab!!~~'}, 'do not fill the image'),
        ({'size': list(SIZE), 'counts': 'äöü'}, 'do not fill the image'),
        ({'size': list(SIZE), 'counts': 'ooooooooooooooooo0'}, 'do not fill the image'),
        ({'size': list(SIZE), 'counts': '5o'}, 'do not fill the image'),
        ({'size': [17, 13], 'counts': [221]}, 'another size (height, width) than its image, (13, 17)'),
        ({'size': 'x', 'counts': [221]}, 'another size'),
    ],
)
def test_what_cannot_be_a_mask(segmentation, message):
    with pytest.raises(AnnotationError, match=re.escape(message)) as caught:
        check([SQUARE], segmentation, compressed(np.ones(SIZE)), segmentation)
    assert str(caught.value).startswith("'segmentation' of annotations[2], annotation id 71 (and 1 more), ")
    assert isinstance(caught.value, AnnotationSizeError) == ('another size' in message)


def test_coordinates_as_shares_of_the_image():
    with pytest.raises(AnnotationError, match=r'of all annotations has coordinates from 0\.1 to 0\.6.*multiply x'):
        check([[0.1, 0.1, 0.6, 0.1, 0.6, 0.6]])
    check([[0.1, 0.1, 0.6, 0.1, 0.6, 0.6]], [SQUARE])
    check([[0, 0, 1, 0, 1, 1]])


@pytest.mark.parametrize(
    ('more', 'found'),
    [
        (dict(area=0), dict(area=32.0)),
        (dict(area=None), dict(area=32.0)),
        (dict(area='32'), dict(area=32.0)),
        (dict(area=float('nan')), dict(area=32.0)),
        (dict(bbox=[3, 2, 0.5, 4]), dict(bbox=[3.0, 2.0, 8.0, 4.0])),
        (dict(bbox=[500, 2, 8, 4]), dict(bbox=[3.0, 2.0, 8.0, 4.0])),
        (dict(bbox=[-30, 2, 8, 4]), dict(bbox=[3.0, 2.0, 8.0, 4.0])),
        (dict(bbox=['3', '2', '8', '4']), dict(bbox=[3.0, 2.0, 8.0, 4.0])),
        (dict(bbox=None, area=0), dict(area=32.0, bbox=[3.0, 2.0, 8.0, 4.0])),
    ],
)
def test_area_and_box_that_contradict_the_mask(more, found):
    mask = np.zeros(SIZE)
    mask[2:6, 3:11] = 1
    runs = {'size': list(SIZE), 'counts': [41, *[4, 9] * 7, 4, 221 - 41 - 8 * 4 - 7 * 9]}
    masks = check([SQUARE], compressed(mask), runs, **more)
    assert masks.changes == {0: found, 2: found, 4: found}
    assert (masks.contradicting, masks.invisible) == ([70, 71, 72], [])


def test_missing_area_and_box_are_no_contradiction():
    annotation = {'id': 1, 'image_id': 'a', 'segmentation': [SQUARE]}
    masks = check_masks({5: annotation}, {'a': SIZE})
    assert masks == ({5: {'area': 32.0, 'bbox': [3.0, 2.0, 8.0, 4.0]}}, [], [])


def test_mask_without_a_pixel():
    outside = [[500, 500, 600, 500, 600, 600]]
    masks = check(outside, area=0)
    assert (masks.contradicting, masks.invisible) == ([], [70])
    assert check(outside) == ({}, [], [])  # mmdet keeps it: the data check counts segments without pixels
