import numpy as np

from mmoneformer.tiling.run_map import RunMap


def test_rows_are_read_as_they_were():
    numbers = np.random.default_rng(0).integers(0, 3, (17, 23)) * 20000
    numbers[3:6] = 7  # rows of one value
    kept = RunMap(numbers)
    for start, stop in ((0, 17), (0, 1), (2, 9), (16, 17)):
        np.testing.assert_array_equal(kept.read_rows(start, stop), numbers[start:stop])


def test_flat_maps_are_small():
    kept = RunMap(np.zeros((1000, 1000), np.int32))
    assert len(kept._values) == 1000
