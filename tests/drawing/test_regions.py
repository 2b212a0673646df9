import numpy as np
import pytest

from mmoneformer_deploy.run_lengths import encode_edges, find_edges
from mmoneformer_drawing.regions import REGIONS, label_regions, mask_regions

CLASSES = {
    'classes': ('sky', 'cat', 'road'),
    'thing_ids': (1,),
    'palette': [(70, 130, 180), (220, 20, 60), (128, 64, 128)],
}
SKY, CAT, ROAD = CLASSES['palette']


def encoded(masks):
    return [encode_edges(find_edges(mask.T), mask.shape) for mask in masks]


@pytest.mark.parametrize('size', [(15, 10), (30, 20), (90, 60)])
def test_another_size_keeps_the_regions(size):
    label_map = np.zeros((20, 30), int)
    label_map[5:, 12:] = 2
    regions = label_regions(label_map, CLASSES).resized(*size)
    assert regions.id_map.shape == size[::-1]
    assert set(np.unique(regions.id_map)) == {1, 2}
    np.testing.assert_allclose(regions.areas()[1] / regions.id_map.size, 15 * 18 / 600, atol=0.1)


@pytest.mark.parametrize(('height', 'width'), [(1, 1), (2, 3), (1, 300), (300, 1)])
def test_images_of_few_pixels(height, width):
    regions = label_regions(np.full((height, width), 1), CLASSES).resized(480, 480)
    assert (regions.id_map == 1).all()


@pytest.fixture
def results():
    return {
        'panoptic': {
            'id_map': np.array([[4, 70000, 0]], np.int32),
            'segments': [{'id': 4, 'label': 0, 'score': 0.5}, {'id': 70000, 'label': 1, 'score': 0.75}],
        },
        'instance': {
            'masks': encoded(np.array([[[0, 1, 0]], [[1, 1, 1]]], bool)),
            'labels': [1, 0],
            'scores': [0.25, 0.625],
        },
        'semantic': {'label_map': np.array([[0, 1, 2]], np.uint8)},
    }


@pytest.mark.parametrize(
    ('task', 'id_map', 'texts', 'scores'),
    [
        ('panoptic', [[1, 2, 0]], ['sky', 'cat'], [0.5, 0.75]),
        ('instance', [[1, 1, 1]], ['sky 62%'], [0.625]),
        ('semantic', [[1, 2, 3]], ['sky', 'cat', 'road'], None),
    ],
)
def test_results(results, task, id_map, texts, scores):
    regions = REGIONS[task](results[task], (1, 3), CLASSES, 0.5)
    assert (regions.id_map.tolist(), regions.texts, regions.scores) == (id_map, texts, scores)


def test_lowest_score_of_a_result(results):
    assert len(REGIONS['instance'](results['instance'], (1, 3), CLASSES, 0.2).texts) == 2


def test_masks_are_painted_as_their_pixels():
    """Many random ones that overlap: in each pixel the surest that has it."""
    random = np.random.default_rng(0)
    masks, scores = random.random((9, 20, 30)) < 0.2, random.random(9).tolist()
    expected = np.zeros((20, 30), int)
    order = sorted(range(9), key=lambda index: -scores[index])
    for number, index in reversed(list(enumerate(order, start=1))):
        expected[masks[index]] = number
    regions = mask_regions(encoded(masks), [1] * 9, scores, (20, 30), CLASSES, min_score=0)
    np.testing.assert_array_equal(regions.id_map, expected)
    assert regions.scores == sorted(scores, reverse=True)


def test_values_that_are_no_class():
    regions = label_regions(np.array([[2, 255, 0]]), CLASSES)
    assert (regions.id_map.tolist(), regions.colors) == ([[2, 0, 1]], [SKY, ROAD])


def test_tracked_objects_have_colors_that_stay(results):
    """Whatever else is in the frame: ids up to 3 are those of classes, and have their colors."""

    def colors(task, **changes):
        return REGIONS[task](results[task] | changes, (1, 3), CLASSES, 0.2).colors

    segments = [{'id': 1, 'label': 0, 'score': 0.5}, {'id': 9, 'label': 1, 'score': 0.7}]
    sky, cat = colors('panoptic', segments=segments, id_map=np.array([[1, 9, 0]]), tracked=True)
    assert sky == SKY
    assert cat != CAT
    more = [{'id': 8, 'label': 1, 'score': 0.5}, *segments]
    other, _, same = colors('panoptic', segments=more, id_map=np.array([[1, 9, 8]]), tracked=True)
    assert (same, other != cat) == (cat, True)
    assert colors('instance', ids=[9, 11])[1] == cat
