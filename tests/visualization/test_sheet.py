import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.visualization import draw_panoptic, draw_sheet, side_by_side
from mmoneformer.visualization.sheet import MARGIN, PANEL


@pytest.mark.parametrize('size', [(64, 48), (480, 640), (900, 1600), (1, 700)])
def test_size(size):
    height, width = (max(1, round(side * PANEL / max(size))) for side in size)
    picture = np.full((*size, 3), 7, np.uint8)
    sheet = side_by_side({'Input': picture, 'Panoptic': picture})
    assert sheet.shape[1] == 2 * width + 3 * MARGIN
    panel = sheet[-MARGIN - height : -MARGIN, MARGIN : MARGIN + width]
    np.testing.assert_array_equal(panel, 7)
    np.testing.assert_array_equal(sheet[-MARGIN - height : -MARGIN, 2 * MARGIN + width : -MARGIN], 7)


def test_writes_titles():
    picture = np.full((480, 640, 3), 255, np.uint8)
    sheet = side_by_side({'Input': picture, 'Panoptic': picture})
    ink = (sheet < 128).all(-1)
    left, right = np.nonzero(ink.any(0))[0][[0, -1]]
    assert ink.sum() > 100
    assert MARGIN < left < MARGIN + 640 / 2
    assert 2 * MARGIN + 640 * 3 / 2 < right < 2 * MARGIN + 640 * 2
    assert not ink[-480:].any()


def test_input_and_results():
    metainfo = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,)})
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    panoptic = np.zeros((480, 640), int)
    panoptic[100:300, 100:400] = 1001
    sample = DetDataSample()
    sample.pred_panoptic_seg = PixelData(sem_seg=torch.from_numpy(panoptic)[None])
    expected = side_by_side({'Input': image, 'Panoptic': draw_panoptic(image, panoptic, metainfo)})
    np.testing.assert_array_equal(draw_sheet(image, sample, metainfo, ['panoptic']), expected)
