import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmoneformer.metainfo import palette_of, resolve_metainfo
from mmoneformer.results.as_dict import as_dict
from mmoneformer.visualization import draw_instance, draw_panoptic, draw_results, draw_semantic, draw_sheet

SIZE = (400, 700)
METAINFO = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(0, 0, 255), (255, 0, 0)]})
IMAGE = np.full((*SIZE, 3), 50, np.uint8)
CORNERS = {'sky': (3, 3), 'cat': (396, 696)}  # away from contours and names
CAT_MASK = np.zeros(SIZE, bool)
CAT_MASK[200:, 350:] = True


def at(drawing, name):
    return drawing[CORNERS[name]].tolist()


def test_panoptic():
    drawing = draw_panoptic(IMAGE, np.where(CAT_MASK, 1001, 0), METAINFO, opacity=1.0)
    assert at(drawing, 'sky') == [0, 0, 255]
    assert at(drawing, 'cat') == [255, 0, 0]


def test_instance():
    arguments = np.array([1]), np.array([0.9]), METAINFO
    drawing = draw_instance(IMAGE, CAT_MASK[None], *arguments, opacity=1.0)
    assert at(drawing, 'sky') == [50, 50, 50]
    assert at(drawing, 'cat') == [255, 0, 0]


def test_semantic():
    drawing = draw_semantic(IMAGE, np.where(CAT_MASK, 255, 0), METAINFO, opacity=1.0)
    assert at(drawing, 'sky') == [0, 0, 255]
    assert at(drawing, 'cat') == [50, 50, 50]


@pytest.fixture
def sample():
    labels = torch.from_numpy(CAT_MASK.astype(int))[None]
    sample = DetDataSample()
    sample.pred_panoptic_seg = PixelData(sem_seg=labels * 1001)
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)
    masks = torch.from_numpy(CAT_MASK)[None]
    sample.pred_instances = InstanceData(
        masks=masks, labels=torch.tensor([1]), scores=torch.tensor([0.9]), bboxes=torch.zeros(1, 4)
    )
    return sample


def test_results(sample):
    drawn = draw_results(IMAGE, as_dict(sample, METAINFO, ['semantic', 'panoptic', 'instance']), METAINFO)
    assert list(drawn) == ['semantic', 'panoptic', 'instance']
    np.testing.assert_array_equal(drawn['panoptic'], draw_panoptic(IMAGE, CAT_MASK * 1001, METAINFO))
    np.testing.assert_array_equal(drawn['semantic'], draw_semantic(IMAGE, CAT_MASK * 1, METAINFO))
    instances = CAT_MASK[None], np.array([1]), np.array([0.9], np.float32)
    np.testing.assert_array_equal(drawn['instance'], draw_instance(IMAGE, *instances, METAINFO))


def test_names_of_palettes(sample):
    """mmdet's ``init_detector`` and ``DetInferencer`` set them in place of colors."""
    results, named = as_dict(sample, METAINFO, ['panoptic', 'instance']), METAINFO | {'palette': 'coco'}
    drawn = draw_results(IMAGE, results, named, opacity=1.0)
    assert [at(drawn[task], 'cat') for task in drawn] == [list(palette_of(named)[1])] * 2
    assert (draw_sheet(IMAGE, results, named) != draw_sheet(IMAGE, results, METAINFO)).any()
