import numpy as np
import pytest

from mmoneformer.results.as_dict import as_dict
from mmoneformer.tracking import FilmTracker

METAINFO = {'classes': ('sky', 'cat', 'road', 'car'), 'thing_ids': (1, 3), 'palette': []}
TASKS = ['panoptic', 'instance', 'semantic']


@pytest.fixture
def results(predict):
    """Results of two frames, and their samples; every instance is sure."""
    found = []
    for seed in (0, 1):
        sample = predict(seed)
        results = as_dict(sample, METAINFO, TASKS)
        results['instance']['scores'] = [0.9] * len(results['instance']['labels'])
        found.append((results, sample))
    return found


def test_ids_are_of_one_task(results):
    tracker = FilmTracker(METAINFO)
    for frame in results:
        tracked = tracker.update(*frame)
        assert list(tracked) == TASKS
        things = {segment['id'] for segment in tracked['panoptic']['segments'] if segment['is_thing']}
        instances = set(tracked['instance']['ids'])
        assert things
        assert instances
        assert things.isdisjoint(instances)
        assert min(things | instances) > len(METAINFO['classes'])


def test_a_frame_that_comes_again_has_its_ids(results):
    tracker = FilmTracker(METAINFO)
    first, second = (tracker.update(*results[0]) for _ in range(2))
    assert first['panoptic']['segments'] == second['panoptic']['segments']
    assert first['instance'] == second['instance']
    np.testing.assert_array_equal(first['panoptic']['id_map'], second['panoptic']['id_map'])


def test_films_are_apart(results):
    first, second = (FilmTracker(METAINFO).update(*results[0]) for _ in range(2))
    assert first['instance'] == second['instance']


def test_the_results_are_kept(results):
    before = results[0][0]['panoptic']['id_map'].copy()
    FilmTracker(METAINFO).update(*results[0])
    np.testing.assert_array_equal(results[0][0]['panoptic']['id_map'], before)
    assert 'ids' not in results[0][0]['instance']


def test_a_task_that_is_not_tracked(results):
    with pytest.raises(KeyError, match=r"task 'depth' has no entry in mmoneformer\.tracking\.task_tracking\.TRACKING"):
        FilmTracker(METAINFO).update({'depth': {}}, results[0][1])
