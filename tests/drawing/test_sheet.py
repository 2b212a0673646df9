import numpy as np
import pytest

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.visualization import draw_sheet, side_by_side
from mmoneformer.visualization.regions import instance_regions, panoptic_regions
from mmoneformer_drawing.painting import paint
from mmoneformer_drawing.sheet import (
    COLUMNS,
    LINE,
    MARGIN,
    PANEL,
    ROWS,
    TITLE,
    ClassShare,
    class_shares,
    draw_legend,
)

METAINFO = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60)]})


@pytest.mark.parametrize('size', [(64, 48), (480, 640), (1, 700)])
def test_size(size):
    height, width = size
    image = np.full((*size, 3), 7, np.uint8)
    sheet = side_by_side({'Input': image, 'Panoptic': image})
    assert sheet.shape[1] == 2 * width + 3 * MARGIN
    panel = sheet[-MARGIN - height : -MARGIN, MARGIN : MARGIN + width]
    np.testing.assert_array_equal(panel, 7)
    np.testing.assert_array_equal(sheet[-MARGIN - height : -MARGIN, 2 * MARGIN + width : -MARGIN], 7)


def test_images_of_different_heights_are_aligned_at_the_top():
    sheet = side_by_side({'Input': np.full((50, 90, 3), 7, np.uint8), 'Panoptic': np.full((80, 90, 3), 9, np.uint8)})
    top = sheet.shape[0] - MARGIN - 80
    assert (sheet[top : top + 50, MARGIN : MARGIN + 90] == 7).all()
    assert (sheet[top + 50 :, MARGIN : MARGIN + 90] == 255).all()
    assert (sheet[top : top + 80, 2 * MARGIN + 90 : -MARGIN] == 9).all()


def test_writes_titles():
    image = np.full((480, 640, 3), 255, np.uint8)
    sheet = side_by_side({'Input': image, 'Panoptic': image})
    ink = (sheet < 128).all(-1)
    left, right = np.nonzero(ink.any(0))[0][[0, -1]]
    assert ink.sum() > 100
    assert MARGIN < left < MARGIN + 640 / 2
    assert 2 * MARGIN + 640 * 3 / 2 < right < 2 * MARGIN + 640 * 2
    assert not ink[-480:].any()


@pytest.mark.parametrize('size', [(240, 320), (480, 640), (960, 1280)])
def test_input_and_results(size):
    """Whatever the size of the image, panels of one size, with the classes and their areas below."""
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    panoptic = np.zeros(size, int)
    panoptic[size[0] // 4 :, size[1] // 2 :] = 1001
    segments = [{'id': 1, 'label': 0, 'score': 0.9}, {'id': 2, 'label': 1, 'score': 0.8}]
    sheet = draw_sheet(image, {'panoptic': {'id_map': 1 + (panoptic > 0), 'segments': segments}}, METAINFO)
    assert sheet.shape[1] == 2 * PANEL + 3 * MARGIN
    top, left = 2 * MARGIN + TITLE, PANEL + 2 * MARGIN
    regions = panoptic_regions(panoptic, METAINFO)
    legend = draw_legend(class_shares(regions, METAINFO), PANEL)
    np.testing.assert_array_equal(sheet[top + 480 : -MARGIN, left : left + PANEL], legend)
    if size == (480, 640):
        np.testing.assert_array_equal(sheet[top : top + 480, MARGIN : MARGIN + PANEL], image)
        np.testing.assert_array_equal(sheet[top : top + 480, left : left + PANEL], paint(image, regions))


def test_counts_and_areas():
    panoptic = np.array([[1001, 1001, 2001, 2001], [2001, 2, 0, 0]])
    assert class_shares(panoptic_regions(panoptic, METAINFO), METAINFO) == [
        ClassShare('cat', (220, 20, 60), 2, 5 / 8),
        ClassShare('sky', (70, 130, 180), 1, 2 / 8),
    ]


def test_what_is_hidden_does_not_count():
    masks = np.ones((3, 2, 4), bool)
    masks[0, :, 2:] = False
    regions = instance_regions(masks, np.array([1, 1, 0]), np.array([0.9, 0.8, 0.7]), METAINFO)
    assert class_shares(regions, METAINFO) == [ClassShare('cat', (220, 20, 60), 2, 1.0)]


def entries(count):
    return [ClassShare(f'class {index}', (200, index, 0), 1 + index % 3, 0.1) for index in range(count)]


def chips(legend):
    """Colors of the squares, by their green channel."""
    return {int(green) for green in legend[(legend[..., 0] == 200) & (legend[..., 2] == 0)][:, 1]}


@pytest.mark.parametrize('count', [0, 1, ROWS + 1, ROWS * COLUMNS])
def test_shows_each_class(count):
    legend = draw_legend(entries(count), 640)
    assert legend.shape == (ROWS * LINE, 640, 3)
    assert chips(legend) == set(range(count))


def test_counts_what_is_too_many():
    capacity = ROWS * COLUMNS
    legend = draw_legend(entries(capacity + 4), 640)
    assert chips(legend) == set(range(capacity - 1))
    fewer = draw_legend(entries(capacity + 3), 640)
    last_cell = np.s_[-LINE:, 2 * 640 // 3 :]
    assert (legend[last_cell] != fewer[last_cell]).any(), 'and 5 more, and 4 more'


def test_a_long_name_stays_in_its_column():
    share = ClassShare('a very long name of a class that nobody would read', (200, 0, 0), 12, 0.345)
    legend = draw_legend([share], 600)
    assert (legend[:, 200:] == 255).all()
