"""Results of three classes on 6 x 9 pixels, in which every task has a segment with a hole and one with two parts."""

import numpy as np
import pytest

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer_deploy.result_dicts import instance_dict, panoptic_dict, semantic_dict
from mmoneformer_deploy.run_lengths import encode_edges, find_edges

METAINFO = resolve_metainfo({'classes': ('sky', 'cat', 'road'), 'thing_ids': (1,)})
ID_MAP = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1, 1, 1],
        [1, 2, 2, 2, 2, 1, 1, 1, 1],
        [1, 2, 1, 1, 2, 1, 3, 3, 3],
        [1, 2, 2, 2, 2, 1, 3, 3, 3],
        [1, 1, 1, 1, 1, 0, 0, 0, 0],
        [4, 4, 4, 0, 0, 0, 4, 4, 4],
    ],
    np.int32,
)
LABELS, SCORES = [0, 1, 1, 2], [0.875, 0.75, 0.25, 0.5]
BOXES = [[0, 0, 9, 5], [1, 1, 5, 4], [6, 2, 9, 4], [0, 5, 9, 6]]


@pytest.fixture(scope='session')
def metainfo():
    return METAINFO


@pytest.fixture(scope='session')
def masks():
    """Of the panoptic segments."""
    return np.arange(1, 5)[:, None, None] == ID_MAP


def make_predictions():
    masks = np.arange(1, 5)[:, None, None] == ID_MAP
    things = [1, 2]
    codes = [encode_edges(find_edges(masks[index].T), ID_MAP.shape) for index in things]
    labels, scores, boxes = ([part[index] for index in things] for part in (LABELS, SCORES, BOXES))
    return {
        'panoptic': panoptic_dict(ID_MAP, LABELS, SCORES, METAINFO),
        'instance': instance_dict(labels, scores, boxes, codes, METAINFO),
        'semantic': semantic_dict(np.array([0, 0, 1, 1, 2])[ID_MAP]),
    }


@pytest.fixture(scope='session')
def predictions():
    return make_predictions()


@pytest.fixture(scope='session')
def raster():
    """The semantic result of a raster without data in its first row."""
    label_map = np.array([0, 0, 1, 1, 2], np.uint8)[ID_MAP]
    label_map[0] = 255
    return {'semantic': semantic_dict(label_map)}


@pytest.fixture(scope='session')
def nothing():
    """The results of an image without segments."""
    empty = np.zeros((6, 9), np.int32)
    return {'panoptic': panoptic_dict(empty, [], [], METAINFO), 'instance': instance_dict([], [], [], [], METAINFO)}
