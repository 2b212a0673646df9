import numpy as np
import pytest

from mmoneformer_drawing.labels import Box, place_labels, write_labels
from mmoneformer_drawing.regions import Regions


def changed_box(before, after):
    rows, columns = np.nonzero((before != after).any(-1))
    return Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def regions_of(id_map, colors, texts):
    return Regions(id_map, list(range(len(texts))), colors, texts)


@pytest.fixture
def image():
    return np.full((300, 500, 3), 180, np.uint8)


def test_writes_in_the_widest_place(image):
    id_map = np.zeros((300, 500), int)
    id_map[100:220, 300:480] = 1
    id_map[150:160, :300] = 1
    box = changed_box(image, write_labels(image, regions_of(id_map, [(200, 40, 40)], ['cat'])))
    assert box.left >= 300
    assert box.right <= 480
    assert abs((box.top + box.bottom) / 2 - 160) < 4


def test_is_legible(image):
    """White letters on a dark shade of the region's color."""
    written = write_labels(image, regions_of(np.ones((300, 500), int), [(250, 200, 250)], ['cat']))
    box = changed_box(image, written)
    label = written[box.top : box.bottom, box.left : box.right]
    assert (label > 240).all(-1).sum() > 20
    assert np.median(label[..., 1]) < 128
    assert box.bottom - box.top >= 14


def alone(image, id_map, number, text):
    """The image with the text of one region alone, and the box of the text."""
    written = write_labels(image, regions_of(np.where(id_map == number, 1, 0), [(60, 60, 60)], [text]))
    return written, changed_box(image, written)


def test_small_regions_choose_first_and_are_not_covered(image):
    id_map = np.ones((300, 500), int)
    for number in range(2, 14):
        top, left = divmod(number - 2, 4)
        id_map[60 + top * 60 : 100 + top * 60, 40 + left * 110 : 130 + left * 110] = number
    texts = ['background', *(f'thing {number}' for number in range(2, 14))]
    written = write_labels(image, regions_of(id_map, [(250, 0, 0), *[(60, 60, 60)] * 12], texts))
    for number in range(2, 14):
        expected, box = alone(image, id_map, number, texts[number - 1])
        inside = np.s_[box.top : box.bottom, box.left : box.right]
        np.testing.assert_array_equal(written[inside], expected[inside])
    red = written[..., 0].astype(int) - written[..., 1] > 50
    assert red.sum() > 500, 'the background has its name, too'
    assert (id_map[red] == 1).mean() > 0.9


def test_leaves_out_a_text_that_would_cover_another(image):
    id_map = np.zeros((300, 500), int)
    id_map[100:118, 100:118], id_map[100:119, 118:136] = 1, 2
    both = write_labels(image, regions_of(id_map, [(60, 60, 60)] * 2, ['the first name', 'the second name']))
    np.testing.assert_array_equal(both, alone(image, id_map, 1, 'the first name')[0])


def test_stays_in_the_image(image):
    id_map = np.zeros((300, 500), int)
    id_map[:, :10] = 1
    box = changed_box(image, write_labels(image, regions_of(id_map, [(200, 40, 40)], ['a rather long name'])))
    assert box.left == 0
    assert box.right > 60


def test_specks_bear_no_name(image):
    id_map = np.zeros((300, 500), int)
    id_map[10:14, 10:14] = 1
    np.testing.assert_array_equal(write_labels(image, regions_of(id_map, [(200, 40, 40)], ['cat'])), image)


def test_no_text_covers_another_in_a_crowd():
    """Sixty regions that are narrower than their names."""
    id_map = np.zeros((300, 500), int)
    for number in range(60):
        top, left = divmod(number, 10)
        id_map[top * 50 : top * 50 + 46, left * 50 : left * 50 + 46] = number + 1
    labels = place_labels(regions_of(id_map, [(60, 60, 60)] * 60, [f'thing {number}' for number in range(60)]))
    covered = np.zeros(id_map.shape, int)
    for index, box, _ in labels:
        covered[box.top : box.bottom, box.left : box.right] += 1
        assert (id_map[box.top : box.bottom, box.left : box.right] == index + 1).any()
    assert covered.max() == 1
    assert len(labels) >= 50


def test_small_letters_in_narrow_regions():
    image = np.full((800, 1600, 3), 180, np.uint8)
    heights = []
    for side in (24, 400):
        id_map = np.zeros((800, 1600), int)
        id_map[200 : 200 + side, 200 : 200 + 3 * side] = 1
        box = changed_box(image, write_labels(image, regions_of(id_map, [(60, 60, 60)], ['cat'])))
        heights.append(box.bottom - box.top)
    assert heights[0] < 0.85 * heights[1]
    assert heights[0] >= 14


def test_a_text_that_is_wider_than_the_image():
    image = np.full((640, 30, 3), 180, np.uint8)
    regions = regions_of(np.ones((640, 30), int), [(60, 60, 60)], ['a rather long name'])
    np.testing.assert_array_equal(write_labels(image, regions), image)
