import numpy as np
import pytest

from mmoneformer.datasets.shapes.classes import CLASSES
from mmoneformer.datasets.shapes.scene import MIN_VISIBLE, draw_scene

SIDE = 64


@pytest.fixture(scope='module', params=list(CLASSES))
def categories(request):
    return CLASSES[request.param]


@pytest.fixture(scope='module')
def scenes(categories):
    return [draw_scene(np.random.default_rng([0, index]), SIDE, categories) for index in range(120)]


def test_ground_truth_is_complete(scenes):
    for scene in scenes:
        assert set(np.unique(scene.ids)) - {0} == {segment.id for segment in scene.segments}
        stuff = [segment.category.name for segment in scene.segments if not segment.category.isthing]
        assert len(stuff) == len(set(stuff))
        assert scene.image.shape == (*scene.ids.shape, 3)
        assert 0 <= scene.image.min() <= scene.image.max() <= 255


def test_things_remain_visible(scenes):
    for scene in scenes:
        for segment in scene.segments:
            if segment.category.isthing:
                assert (scene.ids == segment.id).sum() >= max(MIN_VISIBLE * segment.area, 15)  # 60 at side 128


def test_scenes_have_what_real_data_has(scenes, categories):
    assert {scene.ids.shape for scene in scenes} == {(SIDE, 80), (80, SIDE)}
    assert {segment.category.name for scene in scenes for segment in scene.segments} == {c.name for c in categories}
    crowds = sum(any(segment.iscrowd for segment in scene.segments) for scene in scenes)
    void = sum((scene.ids == 0).any() for scene in scenes)
    stuff_only = sum(not any(segment.category.isthing for segment in scene.segments) for scene in scenes)
    occluded = sum(
        segment.category.isthing and (scene.ids == segment.id).sum() < segment.area
        for scene in scenes
        for segment in scene.segments
    )
    assert crowds > 2
    assert void > 5
    assert stuff_only > 1
    assert occluded > 20


def test_things_stand_out_from_what_is_around(scenes):
    """Colors are random, but seldom like the surroundings: mean colors differ by more than 60 of 765 in sum."""
    differences = []
    for scene in scenes:
        last = scene.segments[-1]
        mask = scene.ids == last.id
        if last.category.isthing and mask.sum() > 100:
            rows, columns = np.nonzero(mask)
            box = np.s_[max(0, rows.min() - 2) : rows.max() + 3, max(0, columns.min() - 2) : columns.max() + 3]
            around = scene.image[box][~mask[box]].mean(axis=0)
            differences.append(np.abs(scene.image[mask].mean(axis=0) - around).sum())
    assert np.mean(np.array(differences) > 60) > 0.95
