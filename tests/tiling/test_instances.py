import numpy as np
import pytest

from mmoneformer.tiling.grid import TileGrid
from mmoneformer.tiling.instances import InstanceMerger
from mmoneformer_deploy.run_lengths import decode_mask


@pytest.mark.parametrize(('tile', 'overlap'), [(40, 12), (40, 20), (64, 16), (33, 8), (200, 0)])
def test_each_object_is_one_instance(scene, exact, tile, overlap):
    """Also behind others: masks of instances may overlap."""
    result = scene.merged(InstanceMerger, TileGrid(scene.stuff.shape, tile, overlap), exact['instance'])
    masks = [decode_mask(mask) for mask in result['masks']]
    assert len(masks) == len(scene.things)
    for label, mask in scene.things:
        (found,) = [number for number, other in enumerate(masks) if (other == mask).all()]
        rows, columns = np.nonzero(mask)
        assert result['labels'][found] == label
        assert result['bboxes'][found] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert result['scores'] == sorted(result['scores'], reverse=True)


def test_pixels_that_do_not_count(scene, grid, exact):
    valid = np.ones(grid.size, bool)
    valid[50:, 90:] = False
    result = scene.merged(InstanceMerger, grid, exact['instance'], valid)
    found = np.any([decode_mask(mask) for mask in result['masks']], axis=0)
    np.testing.assert_array_equal(found, np.any([mask for _, mask in scene.things], axis=0) & valid)


def test_an_object_that_two_queries_find_is_one_instance(scene, grid, exact):
    def find_twice(tile, result):
        doubled = {key: result[key] * 2 for key in ('labels', 'bboxes', 'masks')}
        return result | doubled | {'scores': [*result['scores'], *(score / 2 for score in result['scores'])]}

    result = scene.merged(InstanceMerger, grid, exact['instance'], change=find_twice)
    assert result == scene.merged(InstanceMerger, grid, exact['instance'])
