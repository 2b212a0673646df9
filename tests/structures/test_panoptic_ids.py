import numpy as np
import pytest
import torch
from mmdet.evaluation.functional import INSTANCE_OFFSET

import mmoneformer  # noqa: F401  (before mmdet)
from mmoneformer.structures.panoptic_ids import (
    colors_to_ids,
    encode_panoptic,
    ids_to_colors,
    panoptic_label,
    segment_values,
)

IDS = np.array([[0, 1, 255], [256, 65535, 65536], [70000, 2**24 - 1, 4]], np.int32)


@pytest.mark.parametrize('kind', [int, np.array, torch.tensor])
def test_values(kind):
    label, instance = kind(7), kind(3)
    value = encode_panoptic(label, instance)
    assert (value, panoptic_label(value)) == (3007, 7)
    assert encode_panoptic(label, kind(0)) == 7


@pytest.mark.parametrize('kind', [int, np.array, torch.tensor])
def test_stuff_of_class_0_is_not_the_void_of_mmdet(kind):
    value = encode_panoptic(kind(0), kind(0))
    assert (value, panoptic_label(value)) == (1000, 0)


def test_things_of_an_annotation_are_numbered():
    segments = [{'label': label} for label in (0, 2, 1, 2, 1)]
    assert segment_values(segments, thing_ids=(2,)) == [1000, 1002, 1, 2002, 1]


def test_as_mmdet():
    assert encode_panoptic(0, 1) == INSTANCE_OFFSET


def test_ids_as_colors():
    expected = [
        [[0, 0, 0], [1, 0, 0], [255, 0, 0]],
        [[0, 1, 0], [255, 255, 0], [0, 0, 1]],
        [[112, 17, 1], [255, 255, 255], [4, 0, 0]],
    ]
    assert ids_to_colors(IDS).tolist() == expected
    assert ids_to_colors(IDS, bgr=True)[..., ::-1].tolist() == expected


@pytest.mark.parametrize('bgr', [False, True])
@pytest.mark.parametrize('dtype', [np.int32, np.int64, np.uint32])
def test_colors_as_ids(bgr, dtype):
    ids = np.random.default_rng(0).integers(2**24, size=(5, 7)).astype(dtype)
    np.testing.assert_array_equal(colors_to_ids(ids_to_colors(ids, bgr=bgr), bgr=bgr), ids)
    np.testing.assert_array_equal(colors_to_ids(ids_to_colors(ids.T, bgr=bgr), bgr=bgr), ids.T)
    assert ids_to_colors(ids.astype(np.uint16)).shape == (5, 7, 3)
