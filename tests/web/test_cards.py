import base64
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mmoneformer.tasks import TASKS, Task
from mmoneformer.visualization import draw_results
from mmoneformer.visualization.regions import RESULT_REGIONS
from mmoneformer.web import cards
from mmoneformer.web.cards import Segment, TaskView, make_cards, view_task


def view(segments, id_map=None, task='panoptic'):
    drawing = np.full((4, 6, 3), 90, np.uint8)
    return TaskView(task, drawing, drawing, np.ones((4, 6), np.uint16) if id_map is None else id_map, segments)


def rows(html):
    return re.findall(r'<tr data-number="(\d+)" data-text="([^"]*)">', html)


def test_a_row_for_each_segment_the_largest_first():
    html = make_cards([view([Segment('sky', (1, 2, 3), 0.25, 0.875), Segment('cat', (4, 5, 6), 0.5, None)])])
    assert rows(html) == [('2', 'cat, 50.0% of the image'), ('1', 'sky, score 0.88, 25.0% of the image')]
    assert 'rgb(4, 5, 6)' in html
    assert '2 segments' in html


def test_small_segments_are_not_called_empty():
    assert rows(make_cards([view([Segment('bird', (1, 2, 3), 1e-5, None)])])) == [
        ('1', 'bird, &lt; 0.1% of the image')
    ]


def test_one_class_is_singular():
    assert '1 class<' in make_cards([view([Segment('sky', (1, 2, 3), 1.0, None)], task='semantic')])


def test_names_of_classes_are_no_html():
    html = make_cards([view([Segment('<script>"&', (1, 2, 3), 1.0, 0.5)])])
    assert '<script>' not in html
    assert '&lt;script&gt;&quot;&amp;, score' in html


def test_ids_survive_as_colors():
    id_map = np.arange(24, dtype=np.uint16).reshape(4, 6) * 100
    html = make_cards([view([], id_map)])
    code = re.search(r'class="ids" alt="" src="data:image/png;base64,([^"]+)"', html)[1]
    colors = np.asarray(Image.open(BytesIO(base64.b64decode(code)))).astype(int)
    np.testing.assert_array_equal(colors[..., 0] + 256 * colors[..., 1], id_map)


def test_segments_of_the_tasks(image, results, metainfo):
    sky, cat, road = metainfo['palette']
    assert view_task(image, results, 'panoptic', metainfo).segments == [
        Segment('sky', sky, 0.5, 0.75),
        Segment('cat', cat, 0.4375, pytest.approx(0.9)),
    ]
    assert view_task(image, results, 'instance', metainfo).segments == [Segment('cat', cat, 0.5, pytest.approx(0.8))]
    assert view_task(image, results, 'semantic', metainfo).segments == [
        Segment('sky', sky, 0.5, None),
        Segment('cat', cat, 0.4375, None),
        Segment('road', road, 0.0625, None),
    ]


def test_ids_are_positions_in_the_list(image, results, metainfo):
    id_map = view_task(image, results, 'panoptic', metainfo).id_map
    assert [id_map[0, 0], id_map[0, -1], id_map[-1, -1]] == [1, 2, 0]


@pytest.mark.parametrize('opacity', [0.3, 0.55])
def test_other_opacities_are_weighted_sums(image, results, metainfo, opacity):
    """What the browser blends is what the visualizer paints."""
    view = view_task(image, results, 'panoptic', metainfo)
    expected = draw_results(image, results, metainfo, opacity=opacity)['panoptic']
    blended = (1 - opacity) * view.clear + opacity * view.filled
    np.testing.assert_allclose(blended, expected, atol=2)  # labels are translucent: rounded twice


def test_large_images_are_shrunk(image, results, metainfo, monkeypatch):
    monkeypatch.setattr(cards, 'LONGEST_SIDE', 60)
    view = view_task(image, results, 'semantic', metainfo)
    assert view.id_map.shape == (40, 60)
    assert view.segments[2].share == 0.0625


def test_another_task(image, results, metainfo, monkeypatch):
    monkeypatch.setitem(TASKS, 'part', Task('part', filler='a part photo'))
    monkeypatch.setitem(RESULT_REGIONS, 'part', RESULT_REGIONS['panoptic'])
    html = make_cards([view_task(image, {'part': results['panoptic']}, 'part', metainfo)])
    assert '<b>Part</b> 2 segments' in html
