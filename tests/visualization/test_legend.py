import numpy as np
import pytest

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.visualization.legend import COLUMNS, LINE, ROWS, ClassShare, class_shares, draw_legend
from mmoneformer.visualization.regions import instance_regions, panoptic_regions

METAINFO = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(70, 130, 180), (220, 20, 60)]})


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
    cells = ROWS * COLUMNS
    legend = draw_legend(entries(cells + 4), 640)
    assert chips(legend) == set(range(cells - 1))
    fewer = draw_legend(entries(cells + 3), 640)
    last_cell = np.s_[-LINE:, 2 * 640 // 3 :]
    assert (legend[last_cell] != fewer[last_cell]).any(), 'and 5 more, and 4 more'


def test_a_long_name_stays_in_its_column():
    share = ClassShare('a very long name of a class that nobody would read', (200, 0, 0), 12, 0.345)
    legend = draw_legend([share], 600)
    assert (legend[:, 200:] == 255).all()
