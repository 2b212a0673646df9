import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.visualization import draw_sheet, side_by_side
from mmoneformer.visualization.legend import class_shares, draw_legend
from mmoneformer.visualization.painting import paint
from mmoneformer.visualization.regions import panoptic_regions
from mmoneformer.visualization.sheet import MARGIN, PANEL, TITLE


@pytest.mark.parametrize('size', [(64, 48), (480, 640), (1, 700)])
def test_size(size):
    height, width = size
    picture = np.full((*size, 3), 7, np.uint8)
    sheet = side_by_side({'Input': picture, 'Panoptic': picture})
    assert sheet.shape[1] == 2 * width + 3 * MARGIN
    panel = sheet[-MARGIN - height : -MARGIN, MARGIN : MARGIN + width]
    np.testing.assert_array_equal(panel, 7)
    np.testing.assert_array_equal(sheet[-MARGIN - height : -MARGIN, 2 * MARGIN + width : -MARGIN], 7)


def test_pictures_of_different_heights_begin_at_the_same_line():
    sheet = side_by_side({'Input': np.full((50, 90, 3), 7, np.uint8), 'Panoptic': np.full((80, 90, 3), 9, np.uint8)})
    top = sheet.shape[0] - MARGIN - 80
    assert (sheet[top : top + 50, MARGIN : MARGIN + 90] == 7).all()
    assert (sheet[top + 50 :, MARGIN : MARGIN + 90] == 255).all()
    assert (sheet[top : top + 80, 2 * MARGIN + 90 : -MARGIN] == 9).all()


def test_writes_titles():
    picture = np.full((480, 640, 3), 255, np.uint8)
    sheet = side_by_side({'Input': picture, 'Panoptic': picture})
    ink = (sheet < 128).all(-1)
    left, right = np.nonzero(ink.any(0))[0][[0, -1]]
    assert ink.sum() > 100
    assert MARGIN < left < MARGIN + 640 / 2
    assert 2 * MARGIN + 640 * 3 / 2 < right < 2 * MARGIN + 640 * 2
    assert not ink[-480:].any()


@pytest.mark.parametrize('size', [(240, 320), (480, 640), (960, 1280)])
def test_input_and_results(size):
    """Whatever the size of the image, panels of one size, with the classes and their areas below."""
    metainfo = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,)})
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    panoptic = np.zeros(size, int)
    panoptic[size[0] // 4 :, size[1] // 2 :] = 1001
    sample = DetDataSample()
    sample.pred_panoptic_seg = PixelData(sem_seg=torch.from_numpy(panoptic)[None])
    sheet = draw_sheet(image, sample, metainfo, ['panoptic'])
    assert sheet.shape[1] == 2 * PANEL + 3 * MARGIN
    top, left = 2 * MARGIN + TITLE, PANEL + 2 * MARGIN
    regions = panoptic_regions(panoptic, metainfo)
    legend = draw_legend(class_shares(regions, metainfo), PANEL)
    np.testing.assert_array_equal(sheet[top + 480 : -MARGIN, left : left + PANEL], legend)
    if size == (480, 640):
        np.testing.assert_array_equal(sheet[top : top + 480, MARGIN : MARGIN + PANEL], image)
        np.testing.assert_array_equal(sheet[top : top + 480, left : left + PANEL], paint(image, regions))
