import colorsys

import numpy as np
import pytest

from mmoneformer.metainfo import palette_of, resolve_metainfo
from mmoneformer.visualization.regions import (
    RESULT_REGIONS,
    annotated_regions,
    instance_regions,
    panoptic_regions,
    result_regions,
    semantic_regions,
    with_colors,
)

METAINFO = resolve_metainfo(
    {
        'classes': ('sky', 'cat', 'road'),
        'thing_ids': (1,),
        'palette': [(70, 130, 180), (220, 20, 60), (128, 64, 128)],
    }
)
SKY, CAT, ROAD = METAINFO['palette']


def test_panoptic():
    panoptic = np.array([[0, 1001, 2001, 3], [2, 2, 3001, 3]])
    id_map, _, colors, texts, scores = panoptic_regions(panoptic, METAINFO)
    np.testing.assert_array_equal(id_map, [[1, 3, 4, 0], [2, 2, 5, 0]])
    assert texts == ['sky', 'road', 'cat', 'cat', 'cat']
    assert colors[:3] == [SKY, ROAD, CAT]
    assert len(set(colors)) == 5
    assert scores is None


def test_panoptic_void_alone():
    id_map, _, colors, texts, _ = panoptic_regions(np.full((2, 3), 3), METAINFO)
    assert not id_map.any()
    assert colors == texts == []


def test_semantic_leaves_out_what_is_no_class():
    id_map, _, colors, texts, _ = semantic_regions(np.array([[2, 255, 0]]), METAINFO)
    np.testing.assert_array_equal(id_map, [[2, 0, 1]])
    assert colors == [SKY, ROAD]
    assert texts == ['sky', 'road']


def test_instances_show_the_best_and_hide_the_doubtful():
    masks = np.zeros((3, 1, 4), bool)
    masks[0, 0, :2] = masks[1, 0, 1:] = masks[2] = True
    id_map, labels, _, texts, scores = instance_regions(
        masks, np.array([1, 0, 2]), np.array([0.6, 0.954, 0.4]), METAINFO
    )
    np.testing.assert_array_equal(id_map, [[2, 1, 1, 1]])
    assert texts == ['sky 95%', 'cat 60%']
    assert labels == [0, 1]
    assert scores == [0.954, 0.6]


def test_no_instance():
    regions = instance_regions(np.zeros((0, 2, 3), bool), np.zeros(0, int), np.zeros(0), METAINFO)
    assert regions.id_map.shape == (2, 3)
    assert regions.texts == []


def test_instances_of_a_class_differ_and_stay_near_its_color():
    count = 24
    regions = panoptic_regions(np.arange(1, count + 1)[None] * 1000 + 1, METAINFO)
    hues = [colorsys.rgb_to_hsv(*(channel / 255 for channel in color))[0] for color in regions.colors]
    distances = [abs((hue - hues[0] + 0.5) % 1 - 0.5) for hue in hues]
    assert max(distances) < 0.08
    assert regions.colors[0] == CAT
    for index, color in enumerate(regions.colors):
        for other in regions.colors[:index]:
            assert np.abs(np.subtract(color, other)).sum() > 12, 'two colors that look the same'
    assert regions.colors == panoptic_regions(np.arange(1, count + 1)[None] * 1000 + 1, METAINFO).colors


def test_annotation():
    segments = [{'id': 2, 'label': 1, 'iscrowd': 0}, {'id': 5, 'label': 0, 'iscrowd': 0}, {'id': 9, 'label': 1}]
    regions = annotated_regions(np.array([[0, 2, 5], [2, 2, 3]]), segments, METAINFO)
    np.testing.assert_array_equal(regions.id_map, [[0, 1, 2], [1, 1, 0]])
    assert regions.texts == ['cat', 'sky', 'cat']
    assert regions.areas() == [3, 1, 0]


@pytest.mark.parametrize('name', ['coco', 'citys', 'voc', 'random', 'green'])
def test_names_of_palettes(name):
    """mmdet's ``init_detector`` and ``DetInferencer`` set them in place of colors."""
    named = {**METAINFO, 'palette': name}
    assert with_colors(named)['palette'] == palette_of(named)
    colors = panoptic_regions(np.array([[0, 1001, 2]]), named).colors
    assert colors == [palette_of(named)[label] for label in (0, 2, 1)]


def test_results_as_their_maps():
    """A result has the regions of the map that it was made from, whatever its numbers of segments."""
    panoptic = np.array([[0, 1001, 2001, 3], [2, 2, 3001, 3]])
    numbers = {0: 1, 2: 7, 1001: 3, 2001: 70000, 3001: 5, 3: 0}
    id_map = np.vectorize(numbers.get)(panoptic).astype(np.int32)
    segments = [
        {'id': numbers[value], 'label': value % 1000, 'score': 0.5} for value in sorted(numbers) if numbers[value]
    ]
    regions = result_regions({'panoptic': {'id_map': id_map, 'segments': segments}}, 'panoptic', (2, 4), METAINFO)
    expected = panoptic_regions(panoptic, METAINFO)
    np.testing.assert_array_equal(regions.id_map, expected.id_map)
    assert regions[1:] == (*expected[1:4], [0.5] * 5)


def test_a_task_that_was_added(monkeypatch):
    monkeypatch.setitem(RESULT_REGIONS, 'part', RESULT_REGIONS['semantic'])
    results = {'part': {'label_map': np.array([[0, 1]], np.uint8)}}
    assert result_regions(results, 'part', (1, 2), METAINFO).texts == ['sky', 'cat']
    with pytest.raises(KeyError, match=r"task 'other' has no entry in mmoneformer\.visualization\.regions\."):
        result_regions(results | {'other': {}}, 'other', (1, 2), METAINFO)
