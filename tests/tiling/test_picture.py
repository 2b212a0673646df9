import numpy as np
import pytest

from mmoneformer.tiling.grid import Window
from mmoneformer.tiling.picture import ArrayPicture, reduced_size

IMAGE = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)


def test_windows_of_an_array():
    picture = ArrayPicture(IMAGE)
    assert picture.size == (30, 50)
    np.testing.assert_array_equal(picture.read(Window(3, 5, 13, 25)), IMAGE[3:13, 5:25])
    assert picture.valid(Window(3, 5, 13, 25)) is None


def test_reduces_by_the_mean():
    reduced = ArrayPicture(IMAGE).reduced(25)
    expected = IMAGE.reshape(15, 2, 25, 2, 3).mean((1, 3))
    np.testing.assert_allclose(reduced, expected, atol=0.75)


@pytest.mark.parametrize(('side', 'size'), [(100, (30, 50)), (10, (6, 10)), (1, (1, 1))])
def test_sizes(side, size):
    assert reduced_size((30, 50), side) == size
