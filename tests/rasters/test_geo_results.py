import numpy as np
from rasterio.transform import from_origin

from mmoneformer.rasters.geo_results import GEO_RESULTS
from mmoneformer_deploy.result_dicts import instance_dict, panoptic_dict
from mmoneformer_deploy.run_lengths import encode_edges, find_edges

CLASSES = {'classes': ('field', 'house'), 'thing_ids': (1,), 'palette': [(0, 255, 0), (255, 0, 0)]}
TRANSFORM = from_origin(0, 0, 1, 1)
IDS = np.array([[1, 1, 2], [1, 0, 2]], np.uint32)


def rows(task, result):
    features = GEO_RESULTS[task].features(result, CLASSES, TRANSFORM)
    return [(f.id, f.label, f.class_name, f.outline.bounds, f.outline.area) for f in features], features


def test_panoptic():
    found, features = rows('panoptic', panoptic_dict(IDS, [0, 1], [0.5, 0.75], CLASSES))
    assert found == [(1, 0, 'field', (0, -2, 2, 0), 3), (2, 1, 'house', (2, -2, 3, 0), 2)]
    assert [feature.score for feature in features] == [0.5, 0.75]


def test_instances_without_a_pixel_have_no_outline():
    masks = [encode_edges(find_edges(mask.T), IDS.shape) for mask in (IDS == 7, IDS == 2)]
    result = instance_dict([1, 1], [0.75, 0.5], [[0, 0, 0, 0], [2, 0, 3, 2]], masks, CLASSES)
    found, (feature,) = rows('instance', result)
    assert found == [(2, 1, 'house', (2, -2, 3, 0), 2)]
    assert feature.score == 0.5


def test_classes_but_not_what_does_not_count():
    found, (field, _) = rows('semantic', {'label_map': np.array([[0, 0, 1], [0, 255, 1]], np.uint8)})
    assert found == [(0, 0, 'field', (0, -2, 2, 0), 3), (1, 1, 'house', (2, -2, 3, 0), 2)]
    assert np.isnan(field.score)
