import numpy as np

from mmoneformer_deploy.run_lengths import decode_mask, encode_edges, find_edges
from mmoneformer_drawing.reduced import reduce_results

SIZE, SMALL = (30, 50), (10, 20)
ROWS, COLUMNS = np.arange(1, 30, 3), (np.arange(20) * 2.5 + 1.25).astype(int)
VALUES = np.random.default_rng(0).integers(0, 9, SIZE)


def test_maps_and_masks_have_the_nearest_pixels():
    masks = [VALUES > 5, np.zeros(SIZE, bool), VALUES < 0]
    masks[1][4:21, 7:40] = True
    results = {
        'panoptic': {'id_map': VALUES.astype(np.uint32), 'segments': ['kept']},
        'semantic': {'label_map': VALUES.astype(np.uint8)},
        'instance': {
            'masks': [encode_edges(find_edges(mask.T), SIZE) for mask in masks],
            'bboxes': [[0, 0, 50, 30], [7, 4, 40, 21], [0, 0, 0, 0]],
            'labels': [1, 2, 3],
        },
    }
    found = reduce_results(results, SMALL)
    expected = VALUES[ROWS[:, None], COLUMNS]
    np.testing.assert_array_equal(found['panoptic']['id_map'], expected.astype(np.uint32), strict=True)
    np.testing.assert_array_equal(found['semantic']['label_map'], expected.astype(np.uint8), strict=True)
    assert (found['panoptic']['segments'], found['instance']['labels']) == (['kept'], [1, 2, 3])
    for mask, small in zip(masks, found['instance']['masks'], strict=True):
        np.testing.assert_array_equal(decode_mask(small), mask[ROWS[:, None], COLUMNS])


def test_results_of_the_size_are_the_same():
    results = {'semantic': {'label_map': VALUES}, 'instance': {'masks': [], 'bboxes': []}, 'own': ['list']}
    found = reduce_results(results, SIZE)
    assert found['semantic']['label_map'] is VALUES
    assert (found['instance'], found['own']) == (results['instance'], ['list'])
