import base64
import re
from io import BytesIO

import numpy as np
from PIL import Image

from mmoneformer.web.cards import make_cards
from mmoneformer.web.task_view import Segment, TaskView


def view(segments, id_map=None, task='panoptic'):
    picture = np.full((4, 6, 3), 90, np.uint8)
    return TaskView(task, picture, picture, np.ones((4, 6), np.uint16) if id_map is None else id_map, segments)


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
