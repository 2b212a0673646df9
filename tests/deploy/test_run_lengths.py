import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from scipy.ndimage import find_objects

from mmoneformer_deploy.run_lengths import (
    box_of,
    decode_mask,
    edges_of,
    edges_of_part,
    encode_edges,
    find_edges,
    mask_area,
    pixels_inside,
)


def encode(mask):
    return encode_edges(find_edges(mask.T), mask.shape)


def expected(mask):
    code = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return code | {'counts': code['counts'].decode()}


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_equal_to_those_of_pycocotools(height, width, seed, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    assert encode(mask) == expected(mask)
    assert mask_area(expected(mask)) == mask.sum()
    np.testing.assert_array_equal(decode_mask(expected(mask)), mask)
    np.testing.assert_array_equal(pixels_inside(expected(mask)), np.flatnonzero(mask.T))
    np.testing.assert_array_equal(edges_of(expected(mask)), find_edges(mask.T))


def test_long_runs():
    """Their numbers have several characters, and differences of both signs."""
    mask = np.zeros((720, 1280), bool)
    mask[:, 3:900] = True
    mask[100:300, 1000:1200] = True
    mask[-1, -1] = True
    assert encode(mask) == expected(mask)
    assert mask_area(expected(mask)) == mask.sum()
    np.testing.assert_array_equal(decode_mask(expected(mask)), mask)
    np.testing.assert_array_equal(pixels_inside(expected(mask)), np.flatnonzero(mask.T))


def test_parts_of_a_mask():
    """Runs that continue in the next part."""
    mask = np.random.default_rng(0).random((7, 12)) < 0.8
    mask[:, 3:7] = True
    edges = np.concatenate([find_edges(mask[:, left : left + 4].T) + 7 * left for left in (0, 4, 8)])
    assert encode_edges(edges, mask.shape) == expected(mask)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1), st.floats(0, 0.3))
def test_boxes_are_those_of_scipy(height, width, seed, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    (found,) = find_objects(mask.astype(int)) or [(slice(0, 0), slice(0, 0))]
    rows, columns = found
    box = (columns.start, rows.start, columns.stop, rows.stop)
    assert box_of(find_edges(mask.T), height) == box


def test_edges_of_a_part():
    part = np.random.default_rng(0).random((5, 4)) < 0.6
    part[:, 1] = part[:, 2] = True
    mask = np.zeros((9, 12), bool)
    mask[3:8, 6:10] = part
    edges = edges_of_part(part.T, 3, 6, 9)
    assert encode_edges(edges, mask.shape) == expected(mask)
    assert (edges[::2] // 9 == (edges[1::2] - 1) // 9).all(), 'each run is inside a column'
