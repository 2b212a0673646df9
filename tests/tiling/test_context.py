import numpy as np

from mmoneformer.tiling.context import Context
from mmoneformer.tiling.grid import Window


def test_stuff_of_a_panoptic_result():
    segments = [
        {'id': 1, 'label': 3, 'is_thing': True, 'score': 0.5},
        {'id': 2, 'label': 2, 'is_thing': False, 'score': 0.75},
    ]
    found = Context.of_panoptic({'id_map': np.array([[0, 1, 2]]), 'segments': segments}, (4, 6))
    np.testing.assert_array_equal(found.labels, [[255, 255, 2]])
    assert found.scores == {2: 0.75}


def test_stuff_of_a_semantic_result(classes):
    found = Context.of_semantic({'label_map': np.array([[0, 1, 2, 3]], np.uint8)}, (4, 6), classes)
    np.testing.assert_array_equal(found.labels, [[0, 255, 2, 255]])


def test_each_pixel_has_the_nearest_label():
    found = Context(np.arange(6, dtype=np.uint8).reshape(2, 3), {}, (5, 9))
    whole = found.read(Window(0, 0, 5, 9))
    np.testing.assert_array_equal(whole[:, 0], [0, 0, 3, 3, 3])
    np.testing.assert_array_equal(whole[0], [0, 0, 0, 1, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(found.read(Window(1, 2, 4, 7)), whole[1:4, 2:7])
