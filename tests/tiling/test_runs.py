import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmoneformer.tiling.grid import Window
from mmoneformer.tiling.runs import Runs
from mmoneformer_deploy.run_lengths import decode_mask, encode_edges, find_edges

SIZE = (23, 31)


def random_mask(seed, share=0.4, size=SIZE):
    return np.random.default_rng(seed).random(size) < share


def runs(mask):
    return Runs.of_mask(mask, 0, 0, len(mask))


def pixels(found):
    return decode_mask(found.to_rle(SIZE[1]))


@pytest.mark.parametrize('mask', [random_mask(0), np.ones(SIZE, bool), np.zeros(SIZE, bool), random_mask(1, 0.02)])
def test_to_and_from_run_lengths(mask):
    found = runs(mask)
    np.testing.assert_array_equal(pixels(found), mask)
    assert found.area == mask.sum()
    expected = coco_mask.encode(np.asfortranarray(mask, np.uint8))['counts'].decode()
    assert found.to_rle(SIZE[1])['counts'] == expected


@pytest.mark.parametrize('part', [random_mask(2, 0.6, (9, 14)), np.ones((9, 14), bool), np.zeros((9, 14), bool)])
def test_parts_of_a_picture(part):
    window = Window(5, 11, 14, 25)
    expected = np.zeros(SIZE, bool)
    expected[window.pixels] = part
    np.testing.assert_array_equal(pixels(Runs.of_mask(part, 5, 11, SIZE[0])), expected)
    rle = encode_edges(find_edges(part.T), part.shape)
    np.testing.assert_array_equal(pixels(Runs.of_rle(rle, window, SIZE[0])), expected)


def test_windows():
    mask, window = random_mask(3), Window(4, 7, 19, 22)
    expected = np.zeros(SIZE, bool)
    expected[window.pixels] = mask[window.pixels]
    np.testing.assert_array_equal(pixels(runs(mask).within(window)), expected)


def test_the_box():
    mask = np.zeros(SIZE, bool)
    mask[[3, 22, 10], [30, 5, 12]] = True
    assert runs(mask).box == (3, 5, 23, 31)


def test_sets_of_pixels():
    for seed in range(5):
        first, second = random_mask(seed), random_mask(seed + 10, 0.5)
        a, b = runs(first), runs(second)
        assert a.shared_area(b) == b.shared_area(a) == (first & second).sum()
        np.testing.assert_array_equal(pixels(Runs.union([a, b, a])), first | second)
        np.testing.assert_array_equal(pixels(a.without(b)), first & ~second)
        assert Runs.union([a, b]).within(Window(0, 0, *SIZE)).area == (first | second).sum()
