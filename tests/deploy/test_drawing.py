import numpy as np
import pytest

from mmoneformer.visualization.regions import semantic_regions
from mmoneformer_deploy.drawing import LINE, MARGIN, REGIONS, draw_sheet, paint
from mmoneformer_deploy.run_lengths import encode_edges, find_edges
from mmoneformer_drawing.painting import paint as paint_of_mmoneformer

CLASSES = {'classes': ('sky', 'cat', 'road'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60), (9, 9, 9)]}
SIZE = (400, 640)
IMAGE = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]
LABELS = (1 + (ROWS + COLUMNS > 500) - (ROWS**2 + COLUMNS**2 < 200**2)).astype(np.uint8)
CIRCLES = [(ROWS - 200) ** 2 + (COLUMNS - center) ** 2 < 90**2 for center in (200, 300, 400)]
RESULTS = {
    'panoptic': {'id_map': (LABELS == 1) * 1 + (LABELS == 0) * 2, 'segments': [{'label': 1}, {'label': 1}]},
    'instance': {
        'labels': [1, 1, 1],
        'scores': [0.9, 0.6, 0.4],
        'masks': [encode_edges(find_edges(circle.T), SIZE) for circle in CIRCLES],
    },
    'semantic': {'label_map': LABELS},
}


def test_equal_to_the_drawing_of_mmoneformer():
    ours = paint(IMAGE, REGIONS['semantic'](RESULTS['semantic'], SIZE), CLASSES)
    theirs = paint_of_mmoneformer(IMAGE, semantic_regions(LABELS.astype(int), CLASSES), names=False)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_regions():
    panoptic, instance, semantic = (REGIONS[task](result, SIZE) for task, result in RESULTS.items())
    np.testing.assert_array_equal(panoptic.id_map, RESULTS['panoptic']['id_map'])
    assert (list(panoptic.labels), list(semantic.labels)) == ([1, 1], [0, 1, 2])
    np.testing.assert_array_equal(semantic.id_map, LABELS + 1)
    np.testing.assert_array_equal(instance.id_map, np.where(CIRCLES[0], 1, CIRCLES[1] * 2))
    assert list(instance.labels) == [1, 1]


def test_pixels_without_data_are_not_drawn():
    label_map = np.where(ROWS < 9, 255, LABELS).astype(np.uint8)
    regions = REGIONS['semantic']({'label_map': label_map}, SIZE)
    assert list(regions.labels) == [0, 1, 2]
    np.testing.assert_array_equal(regions.id_map, np.where(ROWS < 9, 0, LABELS + 1))


@pytest.mark.parametrize('tasks', [['semantic'], list(RESULTS)])
def test_sheet(tasks):
    sheet = draw_sheet(IMAGE, {task: RESULTS[task] for task in tasks}, CLASSES)
    step = SIZE[1] + MARGIN
    panels = [sheet[LINE : LINE + SIZE[0], MARGIN + number * step :][:, : SIZE[1]] for number in range(len(tasks) + 1)]
    np.testing.assert_array_equal(panels[0], IMAGE)
    np.testing.assert_array_equal(panels[-1], paint(IMAGE, REGIONS[tasks[-1]](RESULTS[tasks[-1]], SIZE), CLASSES))
    below = sheet[LINE + SIZE[0] :, -step:]  # of the label map: color and name of each class
    assert all((below == color).all(-1).any() for color in CLASSES['palette'])


@pytest.mark.parametrize('size', [(1, 1), (3, 2000), (1300, 31)])
def test_images_of_other_sizes(size):
    image = np.zeros((*size, 3), np.uint8)
    results = {'semantic': {'label_map': np.ones(size, np.uint8)}}
    sheet = draw_sheet(image, results, CLASSES)
    assert (sheet == (121, 11, 33)).all(-1).any()  # 55 % of the color


def test_no_result():
    empty = {'panoptic': {'id_map': np.zeros(SIZE, np.int32), 'segments': []}}
    sheet = draw_sheet(IMAGE, empty | {'instance': {'labels': [], 'scores': [], 'masks': []}}, CLASSES)
    np.testing.assert_array_equal(sheet[LINE : LINE + SIZE[0], -MARGIN - SIZE[1] : -MARGIN], IMAGE)
