import colorsys

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.visualization.regions import (
    RESULT_REGIONS,
    ResultRegions,
    annotated_regions,
    instance_regions,
    palette_of,
    panoptic_regions,
    result_regions,
    semantic_regions,
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


@pytest.mark.parametrize('name', ['coco', 'citys', 'voc', 'random', 'green'])
def test_names_of_palettes(name):
    """mmdet's ``init_detector`` and ``DetInferencer`` set them in place of colors."""
    named = {**METAINFO, 'palette': name}
    assert [len(color) for color in palette_of(named)][:3] == [3, 3, 3]
    colors = panoptic_regions(np.array([[0, 1001, 2]]), named).colors
    assert colors == [palette_of(named)[label] for label in (0, 2, 1)]
    assert palette_of(METAINFO) == METAINFO['palette']


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
    everything = instance_regions(masks, np.array([1, 0, 2]), np.array([0.6, 0.954, 0.4]), METAINFO, min_score=0.3)
    assert everything.texts == ['sky 95%', 'cat 60%', 'road 40%']


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


@pytest.mark.parametrize('size', [(15, 10), (30, 20), (90, 60)])
def test_another_size_keeps_the_regions(size):
    label_map = np.zeros((20, 30), int)
    label_map[5:, 12:] = 2
    regions = semantic_regions(label_map, METAINFO).resized(*size)
    assert regions.id_map.shape == size[::-1]
    assert set(np.unique(regions.id_map)) == {1, 2}
    np.testing.assert_allclose(regions.areas()[1] / regions.id_map.size, 15 * 18 / 600, atol=0.1)


@pytest.mark.parametrize(('height', 'width'), [(1, 1), (2, 3), (1, 300), (300, 1)])
def test_images_of_few_pixels(height, width):
    regions = semantic_regions(np.full((height, width), 1), METAINFO).resized(480, 480)
    assert (regions.id_map == 1).all()


@pytest.fixture
def sample():
    sample = DetDataSample()
    sample.pred_panoptic_seg = PixelData(sem_seg=torch.tensor([[[0, 1001, 3]]]))
    sample.pred_segments = InstanceData(ids=torch.tensor([0, 1001]), scores=torch.tensor([0.5, 0.75]))
    sample.pred_sem_seg = PixelData(sem_seg=torch.tensor([[[0, 1, 2]]]))
    sample.pred_instances = InstanceData(
        masks=torch.tensor([[[False, True, False]], [[True, True, True]]]),
        labels=torch.tensor([1, 0]),
        scores=torch.tensor([0.25, 0.625]),
    )
    return sample


@pytest.mark.parametrize(
    ('task', 'id_map', 'texts', 'scores'),
    [
        ('panoptic', [[1, 2, 0]], ['sky', 'cat'], [0.5, 0.75]),
        ('instance', [[1, 1, 1]], ['sky 62%'], [0.625]),
        ('semantic', [[1, 2, 3]], ['sky', 'cat', 'road'], None),
    ],
)
def test_results(sample, task, id_map, texts, scores):
    regions = result_regions(sample, task, METAINFO)
    assert (regions.id_map.tolist(), regions.texts, regions.scores) == (id_map, texts, scores)


def test_lowest_score_of_a_result(sample):
    assert len(result_regions(sample, 'instance', METAINFO, min_score=0.2).texts) == 2


def test_result_of_another_task(sample, monkeypatch):
    part = ResultRegions('pred_sem_seg', lambda sample, metainfo, _: semantic_regions(np.array([[0, 1]]), metainfo))
    monkeypatch.setitem(RESULT_REGIONS, 'part', part)
    assert result_regions(sample, 'part', METAINFO).texts == ['sky', 'cat']
    with pytest.raises(KeyError, match=r"task 'other' has no entry in mmoneformer\.visualization\.regions\."):
        result_regions(sample, 'other', METAINFO)
