import numpy as np
import pytest

from mmoneformer.visualization.drawing import draw_results
from mmoneformer.web import task_view
from mmoneformer.web.task_view import Segment, view_task


def test_segments_of_the_tasks(image, sample, metainfo):
    sky, cat, road = metainfo['palette']
    assert view_task(image, sample, 'panoptic', metainfo).segments == [
        Segment('sky', sky, 0.5, 0.75),
        Segment('cat', cat, 0.4375, pytest.approx(0.9)),
    ]
    assert view_task(image, sample, 'instance', metainfo).segments == [Segment('cat', cat, 0.5, pytest.approx(0.8))]
    assert view_task(image, sample, 'semantic', metainfo).segments == [
        Segment('sky', sky, 0.5, None),
        Segment('cat', cat, 0.4375, None),
        Segment('road', road, 0.0625, None),
    ]


def test_ids_are_the_places_in_the_list(image, sample, metainfo):
    id_map = view_task(image, sample, 'panoptic', metainfo).id_map
    assert [id_map[0, 0], id_map[0, -1], id_map[-1, -1]] == [1, 2, 0]


@pytest.mark.parametrize('opacity', [0.3, 0.55])
def test_pictures_between_are_weighted_sums(image, sample, metainfo, opacity):
    """What the browser blends is what the visualizer paints."""
    view = view_task(image, sample, 'panoptic', metainfo)
    expected = draw_results(image, sample, metainfo, ['panoptic'], opacity=opacity)['panoptic']
    blended = (1 - opacity) * view.clear + opacity * view.filled
    np.testing.assert_allclose(blended, expected, atol=2)  # labels are translucent: rounded twice


def test_large_images_are_shrunk(image, sample, metainfo, monkeypatch):
    monkeypatch.setattr(task_view, 'LONGEST_SIDE', 60)
    view = view_task(image, sample, 'semantic', metainfo)
    assert view.id_map.shape == (40, 60)
    assert view.segments[2].share == 0.0625
