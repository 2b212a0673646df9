from itertools import count

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmoneformer.results.as_dict import as_dict
from mmoneformer.tracking.task_tracking import GRID, TRACKING, UNTRACKED, on_grid
from mmoneformer.tracking.tracker import Tracker
from mmoneformer_deploy.result_dicts import instance_dict, panoptic_dict, semantic_dict
from mmoneformer_deploy.run_lengths import decode_mask, encode_edges, find_edges

METAINFO = {'classes': ('sky', 'cat', 'road', 'car'), 'thing_ids': (1, 3), 'palette': []}
SKY, CAT, ROAD, CAR = range(4)
ID_MAP = np.array([[1, 1, 1, 1], [2, 2, 3, 0], [2, 2, 4, 4]], np.int32)
LABELS = [SKY, CAT, CAR, ROAD]
EMBEDDINGS = torch.eye(6)


class Recorder:
    """A tracker that gives the ids 50, 51, ... and keeps what it was asked."""

    def update(self, observed):
        self.observed = observed
        return list(range(50, 50 + len(observed.labels)))


@pytest.fixture
def recorder():
    return Recorder()


def test_panoptic(recorder):
    result = panoptic_dict(ID_MAP, LABELS, [0.9, 0.8, 0.7, 0.6], METAINFO)
    sample = DetDataSample()
    sample.pred_segments = InstanceData(queries=torch.tensor([5, 0, 3, 2]))
    sample.query_embeddings = InstanceData(panoptic=EMBEDDINGS)
    found = TRACKING['panoptic'].with_ids(result, sample, recorder)
    np.testing.assert_array_equal(found['id_map'], [[1, 1, 1, 1], [50, 50, 51, 0], [50, 50, 3, 3]])
    assert [segment['id'] for segment in found['segments']] == [SKY + 1, 50, 51, ROAD + 1]
    assert [segment | {'id': 0} for segment in found['segments']] == [s | {'id': 0} for s in result['segments']]
    np.testing.assert_array_equal(recorder.observed.labels, [CAT, CAR])
    np.testing.assert_array_equal(recorder.observed.embeddings, EMBEDDINGS[[0, 3]])
    np.testing.assert_array_equal(recorder.observed.masks, [on_grid(ID_MAP) == 2, on_grid(ID_MAP) == 3])
    sky, cat, *_ = TRACKING['panoptic'].objects(found, METAINFO)
    assert cat[:5] == (50, CAT, 0.8, [0, 1, 2, 3], 4)
    np.testing.assert_array_equal(decode_mask(sky.mask()), ID_MAP == 1)
    np.testing.assert_array_equal(decode_mask(cat.mask()), ID_MAP == 2)


def test_instances(recorder):
    """Those with a low score have no id and are not listed."""
    masks = np.stack([ID_MAP == 2, ID_MAP == 3, ID_MAP == 2])
    encoded = [encode_edges(find_edges(mask.T), mask.shape) for mask in masks]
    boxes = [[0, 1, 2, 3], [2, 1, 3, 2], [0, 1, 2, 3]]
    result = instance_dict([CAT, CAR, CAR], [0.9, 0.8, 0.4], boxes, encoded, METAINFO)
    sample = DetDataSample()
    sample.pred_instances = InstanceData(queries=torch.tensor([4, 1, 1]), masks=torch.from_numpy(masks))
    sample.query_embeddings = InstanceData(instance=EMBEDDINGS)
    found = TRACKING['instance'].with_ids(result, sample, recorder)
    assert found == result | {'ids': [50, 51, UNTRACKED]}
    np.testing.assert_array_equal(recorder.observed.embeddings, EMBEDDINGS[[4, 1]])
    np.testing.assert_array_equal(recorder.observed.masks, on_grid(masks[:2]))
    cat, car = TRACKING['instance'].objects(found, METAINFO)
    assert cat[:5] == (50, CAT, 0.9, [0, 1, 2, 3], 4)
    assert car.id == 51
    assert car.mask() == encoded[1]


def test_classes_that_are_not_told_apart(recorder):
    result = semantic_dict(np.array([[0, 0, 3], [0, 0, 2], [255, 255, 255]]))
    assert TRACKING['semantic'].with_ids(result, DetDataSample(), recorder) is result
    sky, road, car = TRACKING['semantic'].objects(result, METAINFO)
    assert [sky[:5], road[:5], car[:5]] == [
        (1, SKY, None, [0, 0, 2, 2], 4),
        (3, ROAD, None, [2, 1, 3, 2], 1),
        (4, CAR, None, [2, 0, 3, 1], 1),
    ]
    np.testing.assert_array_equal(decode_mask(sky.mask()), [[1, 1, 0], [1, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize('size', [(3, 5), (48, 64), (200, 500)])
def test_frames_of_any_size_have_the_same_grid(size):
    """Its points are evenly spread."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    assert on_grid(rows).shape == (GRID, GRID)
    np.testing.assert_allclose(on_grid(rows).mean(0), (size[0] - 1) / 2, atol=0.5)
    np.testing.assert_allclose(on_grid(columns).mean(1), (size[1] - 1) / 2, atol=0.5)


def test_results_of_a_model_are_tracked(predict):
    """The same image again has the same ids, and its results are those without queries."""
    tasks = ['panoptic', 'instance', 'semantic']
    plain, sample = as_dict(predict(with_queries=False), METAINFO, tasks), predict()
    results = as_dict(sample, METAINFO, tasks)
    np.testing.assert_array_equal(results['panoptic']['id_map'], plain['panoptic']['id_map'])
    assert results['instance'] == plain['instance']
    tracker = Tracker(count(5))
    first, second = (TRACKING['panoptic'].with_ids(results['panoptic'], sample, tracker) for _ in range(2))
    assert len(first['segments']) > 0
    assert first['segments'] == second['segments']
    np.testing.assert_array_equal(first['id_map'], second['id_map'])
