import numpy as np
import pytest

from mmoneformer.tiling.grid import TileGrid
from mmoneformer.tiling.merging import predict_tiles
from mmoneformer.tiling.picture import ArrayPicture

TASKS = ('panoptic', 'instance', 'semantic')


@pytest.fixture(scope='module')
def picture(scene):
    """A picture of whose pixels the first channel says which thing it is, and the second which stuff."""
    return ArrayPicture(np.stack([scene.owners, scene.stuff, scene.stuff], axis=-1).astype(np.uint8))


class ExactNetwork:
    """Reads the scene from the pixels; counts the images."""

    def __init__(self, scene, exact):
        self.scene, self.exact, self.sizes = scene, exact, []

    def __call__(self, images, tasks):
        self.sizes.append([image.shape[:2] for image in images])
        found = []
        for image in images:
            things = [(label, image[..., 0] == n) for n, (label, _) in enumerate(self.scene.things, 1)]
            seen = type(self.scene)(image[..., 1].astype(int), things)
            results = {task: self.exact[task](seen) for task in tasks}
            found.append({task: (results[task], lambda rows, columns: None) for task in tasks})
        return found


@pytest.mark.parametrize('batch_size', [1, 5])
def test_the_scene_is_found(scene, grid, exact, classes, picture, batch_size):
    network = ExactNetwork(scene, exact)
    results = predict_tiles(picture, grid, network, tasks=TASKS, metainfo=classes, batch_size=batch_size)
    assert list(results) == list(TASKS)
    assert sum(map(len, network.sizes)) == len(grid)
    assert max(map(len, network.sizes)) == batch_size
    np.testing.assert_array_equal(results['semantic']['label_map'], scene.labels)
    of_segments = np.array([0, *(segment['label'] for segment in results['panoptic']['segments'])])
    np.testing.assert_array_equal(of_segments[results['panoptic']['id_map']], scene.labels)


def test_one_tile_is_what_the_network_predicts(scene, exact, classes, picture):
    network, grid = ExactNetwork(scene, exact), TileGrid(picture.size, 140, 0)
    results = predict_tiles(picture, grid, network, tasks=TASKS, metainfo=classes, context_side=20)
    assert network.sizes == [[picture.size]]
    for task in TASKS:
        np.testing.assert_equal(results[task], exact[task](type(scene)(scene.stuff, shown(scene))))
    assert results['panoptic']['id_map'].dtype == np.uint32


def shown(scene):
    return [(label, scene.owners == number) for number, (label, _) in enumerate(scene.things, 1)]


def test_a_pass_over_the_reduced_picture(scene, grid, exact, classes, picture):
    network = ExactNetwork(scene, exact)
    predict_tiles(picture, grid, network, tasks=['semantic'], metainfo=classes, context_side=50)
    assert network.sizes[0] == [(39, 50)]
    assert len(network.sizes) == 1 + len(grid)


class PartlyValid(ArrayPicture):
    """Only the right part counts."""

    def valid(self, window):
        return np.broadcast_to(np.arange(window.left, window.right) >= 70, window.size)


def test_tiles_without_a_valid_pixel_are_not_predicted(scene, grid, exact, classes, picture):
    network = ExactNetwork(scene, exact)
    partly = PartlyValid(picture.read(grid.windows[0]._replace(bottom=110, right=140)))
    results = predict_tiles(partly, grid, network, tasks=['semantic'], metainfo=classes)
    assert len(network.sizes) == sum(window.right > 70 for window in grid.windows) < len(grid)
    expected = scene.labels.copy()
    expected[:, :70] = 255
    np.testing.assert_array_equal(results['semantic']['label_map'], expected)
